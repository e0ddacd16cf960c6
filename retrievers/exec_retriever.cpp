#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "harness/process/line_program.h"
#include "retrievers/builtin_retrievers.h"
#include "retrievers/knowledge_base.h"

namespace crudbench {

namespace {

LineProgramOptions read_exec_options(Options& options) {
  read_top_k(options);
  return read_line_program_options(options);
}

Failure exec_failure(std::string failure_class, std::string message) {
  return {.stage = Stage::kRetrieval,
          .failure_class = std::move(failure_class),
          .message = std::move(message)};
}

/// A reply that breaks the protocol; the hits that it names are known to nobody else.
struct BadReply {
  Failure failure;
  bool in_step = true;  ///< False where the next line may be about anything.
};

BadReply malformed(const std::string& problem, bool in_step) {
  return {exec_failure("exec_malformed", problem), in_step};
}

/// Finds chunks by the ids that a program may give.
class ChunkFinder {
 public:
  explicit ChunkFinder(const ChunkTable& chunks) : chunks_(chunks) {
    const std::size_t count = chunks.corpus().size();
    documents_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto document = static_cast<DocumentIndex>(i);
      documents_.emplace(chunks.corpus().doc_id(document), document);
    }
  }

  /// The only chunk of a document. Throws BadReply.
  ChunkIndex only_chunk_of(const std::string& doc_id) const {
    const auto found = documents_.find(doc_id);
    if (found == documents_.end()) {
      throw BadReply{
          exec_failure("exec_unknown_id", "the corpus has no document '" + doc_id + "'")};
    }
    const ChunkIndex first = chunks_.first_chunk(found->second);
    const ChunkIndex count = chunks_.first_chunk(found->second + 1) - first;
    if (count != 1) {
      throw BadReply{exec_failure("exec_unknown_id",
                                  "document '" + doc_id + "' has " + std::to_string(count) +
                                      " chunks, so a \"doc_id\" names none of them: answer with "
                                      "\"chunk_id\", or use the chunker 'document'")};
    }
    return first;
  }

  /// The chunk "DOC_ID@BEGIN-END". Throws BadReply.
  ChunkIndex chunk_of(const std::string& chunk_id) const {
    const std::size_t at = chunk_id.rfind('@');
    const auto found = documents_.find(chunk_id.substr(0, at));
    if (at != std::string::npos && found != documents_.end()) {
      const ChunkIndex end = chunks_.first_chunk(found->second + 1);
      for (ChunkIndex chunk = chunks_.first_chunk(found->second); chunk < end; ++chunk) {
        if (chunks_.chunk_id(chunk) == chunk_id) {
          return chunk;
        }
      }
    }
    throw BadReply{exec_failure("exec_unknown_id", "there is no chunk '" + chunk_id + "'")};
  }

 private:
  const ChunkTable& chunks_;
  std::unordered_map<std::string, DocumentIndex> documents_;  ///< By doc_id.
};

/// A program of the user's own that speaks JSON lines: {"id", "query", "top_k"} on its standard
/// input, {"id", "hits": [{"doc_id" or "chunk_id", "score"}, …]} on its standard output, one answer
/// to each question in turn. It runs as long as the retriever lives, and is started again for the
/// next query, `max_restarts` times in all, after it crashed, was too slow or answered out of step;
/// then the queries that are left fail.
///
/// Hits are sorted by score, equal scores in corpus order. Fingerprints hold the command and the
/// option "version", not the content of any file: whoever changes the program changes its version.
class ExecRetriever final : public Retriever {
 public:
  ExecRetriever(LineProgramOptions options, const ChunkTable& chunks)
      : chunks_(chunks), finder_(chunks), program_(std::move(options)) {}

  std::vector<Retrieval> retrieve(std::span<const Query> queries, std::size_t top_k,
                                  Executor& /*executor*/) const override {
    std::vector<Retrieval> retrievals;
    retrievals.reserve(queries.size());
    for (const Query& query : queries) {
      retrievals.push_back(retrieve_one(query, top_k));
    }
    return retrievals;
  }

  const ChunkTable& chunks() const override { return chunks_; }

 private:
  Retrieval retrieve_one(const Query& query, std::size_t top_k) const {
    const std::string id = std::to_string(++question_count_);
    std::string answer;
    if (const auto problem =
            program_.ask(to_text({{"id", id}, {"query", query.text}, {"top_k", top_k}}), answer)) {
      return {.failure = exec_failure(problem->failure_class, problem->message)};
    }
    try {
      return {.hits = read_hits(answer, id, top_k)};
    } catch (const BadReply& bad) {
      if (!bad.in_step) {
        const auto problem = program_.give_up(bad.failure.failure_class, bad.failure.message);
        return {.failure = exec_failure(problem.failure_class, problem.message)};
      }
      return {.failure =
                  exec_failure(bad.failure.failure_class, program_.described(bad.failure.message))};
    }
  }

  std::vector<Hit> read_hits(const std::string& line, const std::string& id,
                             std::size_t top_k) const {
    const Json reply = Json::parse(line, nullptr, false);
    if (!reply.is_object()) {
      throw malformed("the answer is no JSON object: " + shown_line(line), false);
    }
    if (reply.value("id", Json()) != Json(id)) {
      throw malformed(
          "the answer is not to the question with the id \"" + id + "\": " + shown_line(line),
          false);
    }
    const Json list = reply.value("hits", Json());
    if (!list.is_array() || list.size() > top_k) {
      throw malformed("expected \"hits\", a list of at most " + std::to_string(top_k) +
                          " hits: " + shown_line(line),
                      true);
    }
    std::vector<Hit> hits;
    std::set<ChunkIndex> seen;
    for (const Json& entry : list) {
      hits.push_back(read_hit(entry));
      if (!seen.insert(hits.back().chunk).second) {
        throw malformed("the answer has a hit twice: " + shown_line(to_text(entry)), true);
      }
    }
    std::sort(hits.begin(), hits.end(), [](const Hit& left, const Hit& right) {
      return left.score != right.score ? left.score > right.score : left.chunk < right.chunk;
    });
    return hits;
  }

  Hit read_hit(const Json& entry) const {
    const auto text_at = [&entry](const char* key) {
      return entry.is_object() && entry.contains(key) && entry.at(key).is_string();
    };
    const bool has_document = text_at("doc_id");
    const bool has_score = entry.is_object() && entry.contains("score") &&
                           entry.at("score").is_number() &&
                           std::isfinite(entry.at("score").get<double>());
    if (has_document == text_at("chunk_id") || !has_score) {
      throw malformed("expected a hit with \"doc_id\" or \"chunk_id\" and a number \"score\": " +
                          shown_line(to_text(entry)),
                      true);
    }
    return {.chunk = has_document ? finder_.only_chunk_of(entry.at("doc_id").get<std::string>())
                                  : finder_.chunk_of(entry.at("chunk_id").get<std::string>()),
            .score = entry.at("score").get<double>()};
  }

  const ChunkTable& chunks_;
  ChunkFinder finder_;
  // Retrievers are called from one thread at a time.
  mutable LineProgram program_;
  mutable std::uint64_t question_count_ = 0;
};

}  // namespace

RetrieverEntry exec_retriever() {
  return {.summary = "A program of your own that speaks JSON lines on stdin and stdout",
          .example = {{"type", "exec"},
                      {"top_k", 8},
                      {"command", {"python3", "my_retriever.py"}},
                      {"version", "1"},
                      {"timeout_s", 60}},
          .check = [](Options& options) { static_cast<void>(read_exec_options(options)); },
          .make =
              [](Options& options, const RetrieverParts& parts) {
                return std::make_unique<ExecRetriever>(
                    read_exec_options(options), parts.knowledge_base.chunks(parts.config.chunker));
              },
          .sections = {"chunker"},
          .list_options = {"command"},
          .neutral_options = neutral_line_program_options()};
}

}  // namespace crudbench
