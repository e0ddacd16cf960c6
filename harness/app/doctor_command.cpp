#include <cstdlib>
#include <filesystem>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/llama/backend.h"
#include "harness/net/http_client.h"
#include "harness/runner/provenance.h"
#include "harness/store/database.h"
#include "harness/text/segmenter.h"
#include "harness/text/tokenizer.h"
#include "retrievers/indexes/builtin_indexes.h"

namespace crudbench {

namespace {

constexpr CommandSpec kSpec{.name = "doctor",
                            .arguments = "",
                            .summary = "Show what is installed and whether this machine is ready.",
                            .examples = "  crudbench doctor\n  crudbench doctor --json\n"};

/// One line of the check-up.
Json check(const char* name, bool ok, const std::string& found) {
  return {{"check", name}, {"ok", ok}, {"found", found}};
}

Json check_segmenter() {
  std::vector<std::string_view> words;
  jieba_segmenter().segment("我来到北京清华大学", words);
  std::string joined;
  for (const std::string_view word : words) {
    joined.append(joined.empty() ? "" : "/").append(word);
  }
  return check("jieba dictionary", joined == "我/来到/北京/清华大学",
               joined + ", sha256 " + std::string(jieba_dictionary_fingerprint().substr(0, 12)));
}

Json check_workspace(const Workspace& workspace) {
  std::filesystem::path folder = std::filesystem::absolute(workspace.folder);
  while (!std::filesystem::exists(folder) && folder.has_parent_path() &&
         folder != folder.parent_path()) {
    folder = folder.parent_path();
  }
  const bool writable = ::access(folder.c_str(), W_OK) == 0;
  std::error_code ignored;
  const auto space = std::filesystem::space(folder, ignored);
  return check("workspace", writable,
               workspace.folder.string() + (writable ? ": writable, " : ": not writable, ") +
                   std::to_string(space.available >> 30U) + " GiB free");
}

Json check_llama() {
  if (!has_llama()) {
    return check("llama.cpp", true, "not in this build; no local models");
  }
  try {
    const LlamaRuntime& runtime = llama_runtime();
    std::string found = runtime.version;
    for (const std::string& device : runtime.devices) {
      found += ", " + device;
    }
    return check("llama.cpp", true, found);
  } catch (const Error& error) {
    return check("llama.cpp", false, error.what());
  }
}

Json check_machine() {
  struct sysinfo memory {};
  ::sysinfo(&memory);
  double load = 0.0;
  ::getloadavg(&load, 1);
  const std::size_t cores = available_cores();
  const auto gib = (static_cast<unsigned long long>(memory.totalram) * memory.mem_unit) >> 30U;
  const bool is_quiet = load < static_cast<double>(cores);
  return check("machine", true,  // Busy cores make timings worse, not results.
               std::to_string(cores) + " cores, " + std::to_string(gib) + " GiB memory" +
                   (is_quiet ? "" : "; other programs keep the cores busy, timings will suffer"));
}

ExitCode run(const Arguments& arguments) {
  const Json checks = {
      check("crudbench", true, program_version()),
      check_machine(),
      check_segmenter(),
      check("cl100k tokenizer", cl100k_tokenizer().count("hello world") == 2, "compiled in"),
      check("SQLite", true, sqlite_version()),
      check("FAISS", true, faiss_version()),
      check("libcurl", true, curl_library_version()),
      check_llama(),
      check_workspace(workspace_of(arguments)),
  };
  bool all_ok = true;
  std::string text;
  for (const Json& each : checks) {
    const bool ok = each.at("ok").get<bool>();
    all_ok = all_ok && ok;
    text += std::string(ok ? "  ok       " : "  problem  ") + each.at("check").get<std::string>() +
            ": " + each.at("found").get<std::string>() + "\n";
  }
  if (arguments.has("json")) {
    print_json({{"ok", all_ok}, {"checks", checks}});
  } else {
    print(text);
  }
  return all_ok ? ExitCode::kDone : ExitCode::kData;
}

}  // namespace

const Command kDoctorCommand{kSpec, run};

}  // namespace crudbench
