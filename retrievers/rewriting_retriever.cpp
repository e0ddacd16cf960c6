#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "harness/generators/builtin_generators.h"
#include "harness/text/utf8.h"
#include "retrievers/builtin_retrievers.h"
#include "retrievers/knowledge_base.h"
#include "retrievers/query_rewriter.h"
#include "retrievers/rank_fusion.h"
#include "retrievers/retriever_parts.h"

namespace crudbench {

namespace {

constexpr std::string_view kHydePrompt =
    "请写一段新闻报道，一百五十字左右，它的内容正好是下面这段文字想要查找的。只写报道正文，不要解释"
    "。"
    "\n\n{query}\n";
constexpr std::string_view kMultiQueryPrompt =
    "请把下面的检索内容换成 {count} "
    "种说法：意思不变，用词尽量不同。每行写一种，不要编号，不要解释。"
    "\n\n{query}\n";

struct RewritingOptions {
  PartOptions part;
  Json generator;  ///< Resolved.
  std::optional<PromptTemplate> prompt;
  bool keep_query = false;  ///< The query is searched by, too.
};

/// Reads "generator", one that writes what it is told to, with its defaults filled in.
Json read_generator(Options& options) {
  if (!options.has("generator")) {
    options.fail("generator", "an object that says which generator writes queries anew");
  }
  Catalog catalog;
  add_builtin_generators(catalog);
  const Json generator = options.raw("generator");
  const std::string pointer = options.pointer_to("generator");
  Options nested(generator, options.file(), pointer);
  const Json type = nested.raw("type");
  if (type == "extractive" || type == "rag_endpoint") {
    nested.fail("type", "a generator that writes what it is told to: llama, openai or exec");
  }
  Json resolved = catalog.generators.resolve(generator, options.file(), pointer);
  options.record("generator", resolved);
  return resolved;
}

RewritingOptions read_rewriting_options(Options& options, const Json& default_part,
                                        std::string_view default_prompt, bool keep_query,
                                        PlaceholderRules placeholders) {
  RewritingOptions read;
  read.part = read_part_options(options, 100, Json::array({default_part}), 1, 1);
  read.generator = read_generator(options);
  read.prompt.emplace(options.text("prompt", default_prompt),
                      options.file() + ": " + options.pointer_to("prompt"), placeholders);
  read.keep_query = options.flag("keep_query", keep_query);
  return read;
}

QueryRewriter make_rewriter(const RewritingOptions& options, Fields fields,
                            const RetrieverParts& parts, QueryRewriter::Read read) {
  return QueryRewriter(
      *options.prompt, std::move(fields),
      [&base = parts.knowledge_base, generator = options.generator] {
        return base.make_generator(generator);
      },
      std::move(read));
}

/// All texts of the rewritings, as queries with the gold documents of theirs.
std::vector<Query> queries_of(std::span<const Query> queries,
                              const std::vector<Rewriting>& rewritings) {
  std::vector<Query> rewritten;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    for (const std::string& text : rewritings[i].texts) {
      rewritten.push_back({.text = text, .gold_documents = queries[i].gold_documents});
    }
  }
  return rewritten;
}

/// Searches by what a generator has made of the query.
class RewritingRetriever : public Retriever {
 public:
  RewritingRetriever(const RewritingOptions& options, Fields fields, const RetrieverParts& parts,
                     QueryRewriter::Read read)
      : keep_query_(options.keep_query),
        pool_(options.part.pool),
        part_(std::move(open_parts(options.part.parts, parts).front())),
        rewriter_(make_rewriter(options, std::move(fields), parts, std::move(read))) {}

  std::vector<Retrieval> retrieve(std::span<const Query> queries, std::size_t top_k,
                                  Executor& executor) const final {
    rewriter_.ask(queries, {});
    const std::vector<Rewriting> rewritings = known_rewritings(queries);
    std::vector<Retrieval> found = look_for(queries_of(queries, rewritings), executor);
    std::span<Retrieval> rest = found;
    std::vector<Retrieval> retrievals(queries.size());
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const std::size_t count = rewritings[i].texts.size();
      if (rewritings[i].failure) {
        retrievals[i].failure = rewritings[i].failure;
      } else {
        retrievals[i] = combine(rest.first(count));
        retrievals[i].hits.resize(std::min(retrievals[i].hits.size(), top_k));
      }
      rest = rest.subspan(count);
    }
    return retrievals;
  }

  void prepare(std::span<const Query> queries, const std::stop_token& stop) const final {
    rewriter_.ask(queries, stop);
    const std::vector<Rewriting> rewritings = known_rewritings(queries);
    part_->prepare(queries_of(queries, rewritings), stop);
  }

  const ChunkTable& chunks() const final { return part_->chunks(); }

 protected:
  /// Has the query looked for besides the texts that a generator made of it, at least one.
  virtual void add_query(std::string_view query, std::vector<std::string>& texts) const = 0;
  /// The part's retrievals, as many hits as the pool takes.
  virtual std::vector<Retrieval> look_for(std::span<const Query> queries,
                                          Executor& executor) const = 0;
  /// One retrieval of those of all texts of a query.
  virtual Retrieval combine(std::span<Retrieval> found) const = 0;

  const Retriever& part() const noexcept { return *part_; }
  std::size_t pool() const noexcept { return pool_; }

 private:
  std::vector<Rewriting> known_rewritings(std::span<const Query> queries) const {
    std::vector<Rewriting> rewritings;
    for (const Query& query : queries) {
      rewritings.push_back(rewriter_.of(query.text));
      if (keep_query_ && !rewritings.back().failure) {
        add_query(query.text, rewritings.back().texts);
      }
    }
    return rewritings;
  }

  bool keep_query_;
  std::size_t pool_;
  std::unique_ptr<Retriever> part_;
  QueryRewriter rewriter_;
};

// hyde

RewritingOptions read_hyde_options(Options& options) {
  return read_rewriting_options(options, {{"type", "dense"}}, kHydePrompt, false,
                                {.known = {"query"}, .required = {"query"}});
}

/// Hypothetical document embeddings (Gao, Ma, Lin, Callan 2022): a generator writes the passage
/// that would answer the query, and the part looks for passages like that one; with `keep_query`
/// for the query and the passage together, as query2doc does (Wang, Yang, Wei 2023), which suits
/// lexical search.
class HydeRetriever final : public RewritingRetriever {
 public:
  HydeRetriever(const RewritingOptions& options, const RetrieverParts& parts)
      : RewritingRetriever(options, {}, parts, [](std::string_view reply) {
          const std::string_view passage = strip(reply);
          return passage.empty() ? std::vector<std::string>()
                                 : std::vector<std::string>{std::string(passage)};
        }) {}

 private:
  void add_query(std::string_view query, std::vector<std::string>& texts) const override {
    texts.front() = std::string(query) + "\n" + texts.front();
  }
  std::vector<Retrieval> look_for(std::span<const Query> queries,
                                  Executor& executor) const override {
    return part().retrieve_like(queries, pool(), executor);
  }
  Retrieval combine(std::span<Retrieval> found) const override { return std::move(found.front()); }
};

// multi_query

struct MultiQueryOptions {
  RewritingOptions rewriting;
  std::size_t query_count = 3;  ///< Asked for, besides the query itself.
  double c = 60.0;              ///< As of reciprocal rank fusion.
};

MultiQueryOptions read_multi_query_options(Options& options) {
  MultiQueryOptions read;
  read.rewriting = read_rewriting_options(options, {{"type", "bm25"}}, kMultiQueryPrompt, true,
                                          {.known = {"query", "count"}, .required = {"query"}});
  read.query_count = static_cast<std::size_t>(options.integer("queries", 3, 1, 32));
  read.c = options.number("c", read.c, 0.0, 1e6);
  return read;
}

/// What a line says without the number or bullet that models put before it.
std::string_view without_bullet(std::string_view line) {
  line = strip(line);
  std::size_t digits = 0;
  while (digits < line.size() && line[digits] >= '0' && line[digits] <= '9') {
    ++digits;
  }
  const std::string_view rest = line.substr(digits);
  for (const std::string_view mark : {".", "、", ")", "）", "．", ":", "："}) {
    const bool is_number = digits > 0 && digits <= 2 && rest.starts_with(mark);
    const std::string_view text = is_number ? rest.substr(mark.size()) : "";
    if (is_number && (text.empty() || text[0] < '0' || text[0] > '9')) {  // Not of "3.5".
      return strip(text);
    }
  }
  for (const std::string_view bullet : {"- ", "* ", "• ", "·"}) {
    if (line.starts_with(bullet)) {
      return strip(line.substr(bullet.size()));
    }
  }
  return line;
}

/// The first `most` different lines.
std::vector<std::string> read_lines(std::string_view reply, std::size_t most) {
  std::vector<std::string> lines;
  while (!reply.empty() && lines.size() < most) {
    const std::size_t end = std::min(reply.find('\n'), reply.size());
    std::string line(without_bullet(reply.substr(0, end)));
    reply.remove_prefix(std::min(end + 1, reply.size()));
    if (!line.empty() && std::find(lines.begin(), lines.end(), line) == lines.end()) {
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

/// A generator says a query in other words, the part looks for each of them and, with `keep_query`,
/// for the query itself, and the lists are fused by reciprocal ranks with equal weights
/// (RAG-Fusion; LangChain's `MultiQueryRetriever` unites them without an order).
class MultiQueryRetriever final : public RewritingRetriever {
 public:
  MultiQueryRetriever(const MultiQueryOptions& options, const RetrieverParts& parts)
      : RewritingRetriever(options.rewriting, {{"count", std::to_string(options.query_count)}},
                           parts,
                           [count = options.query_count](std::string_view reply) {
                             return read_lines(reply, count);
                           }),
        c_(options.c) {}

 private:
  void add_query(std::string_view query, std::vector<std::string>& texts) const override {
    if (std::find(texts.begin(), texts.end(), query) == texts.end()) {
      texts.insert(texts.begin(), std::string(query));
    }
  }

  std::vector<Retrieval> look_for(std::span<const Query> queries,
                                  Executor& executor) const override {
    return part().retrieve(queries, pool(), executor);
  }

  Retrieval combine(std::span<Retrieval> found) const override {
    std::vector<std::vector<Hit>> lists;
    for (Retrieval& retrieval : found) {
      if (retrieval.failure) {
        return {.hits = {}, .failure = std::move(retrieval.failure)};
      }
      lists.push_back(std::move(retrieval.hits));
    }
    const std::vector<double> weights(lists.size(), 1.0 / static_cast<double>(lists.size()));
    return {.hits = fuse_ranks(lists, weights, c_), .failure = {}};
  }

  double c_;
};

Json example_generator() {
  return {{"type", "openai"},
          {"base_url", "http://127.0.0.1:8080/v1"},
          {"model", "qwen2.5-7b-instruct"},
          {"temperature", 0},
          {"max_tokens", 256}};
}

}  // namespace

RetrieverEntry hyde_retriever() {
  return {.summary = "A generator writes the passage that would answer; passages like it are found",
          .example = {{"type", "hyde"},
                      {"top_k", 8},
                      {"generator", example_generator()},
                      {"parts", Json::array({{{"type", "dense"}}})},
                      {"keep_query", false}},
          .check = [](Options& options) { read_hyde_options(options); },
          .make =
              [](Options& options, const RetrieverParts& parts) {
                return std::make_unique<HydeRetriever>(read_hyde_options(options), parts);
              },
          .sections = {"chunker", "embedder", "index"},
          .list_options = {"parts"}};
}

RetrieverEntry multi_query_retriever() {
  return {.summary = "A generator says the query in other words; what all of them find is fused",
          .example = {{"type", "multi_query"},
                      {"top_k", 8},
                      {"generator", example_generator()},
                      {"parts", Json::array({{{"type", "bm25"}}})},
                      {"queries", 3},
                      {"keep_query", true},
                      {"c", 60}},
          .check = [](Options& options) { read_multi_query_options(options); },
          .make =
              [](Options& options, const RetrieverParts& parts) {
                return std::make_unique<MultiQueryRetriever>(read_multi_query_options(options),
                                                             parts);
              },
          .sections = {"chunker", "embedder", "index"},
          .list_options = {"parts"}};
}

}  // namespace crudbench
