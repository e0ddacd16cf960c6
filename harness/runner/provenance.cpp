#include "harness/runner/provenance.h"

#include <map>
#include <sys/utsname.h>

#include "harness/core/files.h"
#include "harness/runner/thread_pool.h"
#include "harness/text/segmenter.h"

namespace crudbench {

namespace {

/// The processor's name as Linux gives it; empty where it does not.
std::string processor_name() {
  std::string text;
  try {
    text = read_file("/proc/cpuinfo");
  } catch (const Error&) {
    return {};
  }
  const auto key = text.find("model name");
  if (key == std::string::npos) {
    return {};
  }
  const auto begin = text.find_first_not_of(": \t", key + std::string_view("model name").size());
  const auto end = text.find('\n', begin);
  return text.substr(begin, end - begin);
}

Json host() {
  utsname names{};
  ::uname(&names);
  return {{"system", names.sysname},
          {"machine", names.machine},
          {"processor", processor_name()},
          {"cores", available_cores()}};
}

}  // namespace

std::string program_version() {
  return CRUDBENCH_VERSION;
}

Json make_provenance(const Dataset& dataset) {
  std::map<std::string, std::size_t> issues;
  for (const HealthIssue& issue : dataset.issues) {
    ++issues[issue.problem];
  }
  return {{"crudbench", program_version()},
          {"git", CRUDBENCH_GIT_REVISION},
          {"compiler", __VERSION__},
          {"knowledge_base_mode", dataset.knowledge_base_mode},
          {"corpus_fingerprint", dataset.corpus_fingerprint},
          {"samples_fingerprint", dataset.samples_fingerprint},
          {"jieba_fingerprint", jieba_dictionary_fingerprint()},
          {"documents", dataset.corpus.size()},
          {"duplicates", dataset.corpus.duplicate_count()},
          {"added_gold_documents", dataset.added_gold_document_count},
          {"records", dataset.record_counts},
          {"excluded", dataset.excluded_counts},
          {"issues", issues},
          {"host", host()}};
}

}  // namespace crudbench
