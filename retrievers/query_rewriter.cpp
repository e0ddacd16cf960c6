#include "retrievers/query_rewriter.h"

#include <chrono>
#include <set>
#include <utility>

namespace crudbench {

namespace {

Failure rewrite_failure(const std::string& failure_class, const std::string& message) {
  return {.stage = Stage::kRetrieval,
          .failure_class = "rewrite_" + failure_class,
          .message = "writing the query anew: " + message};
}

}  // namespace

/// One call of `ask`: hands the generator a prompt a query and keeps what comes back.
class QueryRewriter::Session final : public PromptSource, public ReplySink {
 public:
  Session(const QueryRewriter& rewriter, std::vector<std::string_view> queries)
      : rewriter_(rewriter), queries_(std::move(queries)) {}

  Status next(Prompt& prompt, std::chrono::milliseconds) override {
    if (next_ == queries_.size()) {
      return Status::kEnd;
    }
    Fields fields = rewriter_.fields_;
    fields["query"] = queries_[next_];
    prompt = {.ticket = next_,
              .text = rewriter_.prompt_.fill(fields),
              .fields = fields,
              .query = std::string(queries_[next_])};
    ++next_;
    return Status::kPrompt;
  }

  void accept(std::size_t ticket, Reply reply) override {
    Rewriting& rewriting = rewriter_.known_[std::string(queries_[ticket])];
    if (reply.failure) {
      rewriting.failure = rewrite_failure(reply.failure->failure_class, reply.failure->message);
      return;
    }
    rewriting.texts = rewriter_.read_(reply.text);
    if (rewriting.texts.empty()) {
      rewriting.failure = rewrite_failure("empty", "the reply holds no text to search by");
    }
  }

 private:
  const QueryRewriter& rewriter_;
  std::vector<std::string_view> queries_;
  std::size_t next_ = 0;
};

QueryRewriter::QueryRewriter(PromptTemplate prompt, Fields fields, MakeGenerator make_generator,
                             Read read)
    : prompt_(std::move(prompt)),
      fields_(std::move(fields)),
      make_generator_(std::move(make_generator)),
      read_(std::move(read)) {}

void QueryRewriter::ask(std::span<const Query> queries, const std::stop_token& stop) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string_view> unknown;
  std::set<std::string_view> seen;
  for (const Query& query : queries) {
    if (!known_.contains(query.text) && seen.insert(query.text).second) {
      unknown.push_back(query.text);
    }
  }
  if (unknown.empty()) {
    return;
  }
  if (!generator_) {
    generator_ = make_generator_();
  }
  Session session(*this, std::move(unknown));
  generator_->generate(session, session, stop);
}

Rewriting QueryRewriter::of(std::string_view query) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(query);
  return found != known_.end()
             ? found->second
             : Rewriting{.texts = {},
                         .failure = rewrite_failure("unanswered", "the generator gave no answer")};
}

}  // namespace crudbench
