#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/store/integrity.h"
#include "retrievers/artifact_store.h"

namespace crudbench {

namespace {

constexpr CommandSpec kSpec{
    .name = "fsck",
    .arguments = "[WORKSPACE]",
    .summary = "Check a workspace, change nothing, say what would be rebuilt.",
    .max_positionals = 1,
    .examples =
        "  crudbench fsck\n"
        "  crudbench fsck results --json\n"};

/// The artifacts of knowledge bases that are not whole; `run` builds them again where it needs
/// them.
std::vector<Finding> check_knowledge_bases(const Workspace& workspace, std::size_t& count) {
  std::vector<Finding> findings;
  const ArtifactStore store(workspace.knowledge_base_folder());
  for (const StoredArtifact& artifact : store.list()) {
    ++count;
    if (std::string defect = store.verify(artifact.fingerprint); !defect.empty()) {
      findings.push_back({"kb/" + artifact.fingerprint.substr(0, 12) +
                              (artifact.kind.empty() ? "" : " (" + artifact.kind + ")"),
                          std::move(defect), "'crudbench run' builds it again where it is needed"});
    }
  }
  return findings;
}

ExitCode run(const Arguments& arguments) {
  Workspace workspace = workspace_of(arguments);
  if (!arguments.positionals().empty()) {
    workspace.folder = arguments.positionals().front();
  }
  if (!std::filesystem::is_directory(workspace.folder)) {
    throw Error(ErrorCode::kIo, "no workspace '" + workspace.folder.string() + "'");
  }
  std::vector<Finding> findings = check_database(workspace);
  std::size_t artifacts = 0;
  for (Finding& finding : check_knowledge_bases(workspace, artifacts)) {
    findings.push_back(std::move(finding));
  }
  const bool has_database = std::filesystem::exists(workspace.database_file());
  if (arguments.has("json")) {
    Json list = Json::array();
    for (const Finding& finding : findings) {
      list.push_back(
          {{"place", finding.place}, {"problem", finding.problem}, {"remedy", finding.remedy}});
    }
    print_json({{"workspace", workspace.folder.string()},
                {"database", has_database},
                {"artifacts", artifacts},
                {"findings", list}});
  } else {
    std::string text =
        std::string(has_database ? "database checked" : "no database") + ", " +
        std::to_string(artifacts) + " artifacts of knowledge bases checked: " +
        (findings.empty() ? "all is well\n" : std::to_string(findings.size()) + " findings\n");
    for (const Finding& finding : findings) {
      text += "\n" + finding.place + ": " + finding.problem + "\n  " + finding.remedy + "\n";
    }
    print(text);
  }
  return findings.empty() ? ExitCode::kDone : ExitCode::kData;
}

}  // namespace

const Command kFsckCommand{kSpec, run};

}  // namespace crudbench
