#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/types.h"
#include "harness/generators/generator.h"
#include "harness/tasks/prompt_template.h"

namespace crudbench {

/// What a generator has made of a query: texts to search by, or why there are none.
struct Rewriting {
  std::vector<std::string> texts;
  std::optional<Failure> failure;  ///< Of the retrieval; its class begins with "rewrite_".
};

/// Has queries written anew by a generator, each once in the object's life. Callable from several
/// threads, one of which asks at a time.
class QueryRewriter {
 public:
  /// What a reply holds; nothing: it is of no use.
  using Read = std::function<std::vector<std::string>(std::string_view reply)>;
  using MakeGenerator = std::function<std::unique_ptr<Generator>()>;

  /// `prompt` has the placeholder `{query}`, and those of `fields`. The generator is made when the
  /// first query is asked.
  QueryRewriter(PromptTemplate prompt, Fields fields, MakeGenerator make_generator, Read read);

  /// Asks for those of `queries` that are not known, as many at a time as the generator takes.
  /// Queries that are not answered when `stop` is requested stay unknown.
  void ask(std::span<const Query> queries, const std::stop_token& stop) const;
  /// What is known of a query that was asked; a failure where asking was stopped.
  Rewriting of(std::string_view query) const;

 private:
  class Session;

  PromptTemplate prompt_;
  Fields fields_;
  MakeGenerator make_generator_;
  Read read_;
  mutable std::mutex mutex_;  ///< Guards what follows.
  mutable std::unique_ptr<Generator> generator_;
  mutable std::map<std::string, Rewriting, std::less<>> known_;  // by query
};

}  // namespace crudbench
