#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/core/json.h"
#include "retrievers/knowledge_base.h"
#include "tests/fakes/http_server.h"
#include "tests/retrievers/corpora.h"
#include "tests/support/testing.h"

namespace crudbench::testing_support {

/// A command whose program answers every question with `hits`, the inside of a JSON list.
inline std::vector<std::string> answering_program(const std::string& hits) {
  const std::string id = "id=${line#*\'\"id\":\"\'}; id=${id%%\'\"\'*}; ";
  return {"/bin/sh", "-c",
          "while read -r line; do " + id + "printf '{\"id\":\"%s\",\"hits\":[%s]}\\n' \"$id\" '" +
              hits + "'; done"};
}

/// A rerank endpoint for which a text is the more relevant the fewer bytes it has.
inline ScriptedResponse reranked_by_length(const ReceivedRequest& request) {
  Json results = Json::array();
  const Json body = Json::parse(request.body);
  const Json& texts = body.at(body.contains("texts") ? "texts" : "documents");
  for (std::size_t index = texts.size(); index > 0; --index) {
    const double size = static_cast<double>(texts[index - 1].get<std::string>().size());
    results.push_back({{"index", index - 1}, {"relevance_score", 1.0 / size}});
  }
  return {.body = to_text({{"results", results}})};
}

/// An answer of a chat endpoint.
inline ScriptedResponse chat_answer(const std::string& content) {
  const Json choice{{"index", 0},
                    {"message", {{"role", "assistant"}, {"content", content}}},
                    {"finish_reason", "stop"}};
  return {.body = to_text({{"choices", Json::array({choice})}})};
}

/// The generator of a chat endpoint that is asked once a prompt.
inline Json chat_generator(const HttpServer& server) {
  return {{"type", "openai"}, {"base_url", server.url("/v1")}, {"model", "m"}, {"max_attempts", 1}};
}

/// The sample articles, in chunks of 24 characters, with every built-in retriever over them.
class Retrieving {
 public:
  Retrieving() {
    for (const char* text : {"台风登陆，学校停课", "央行下调准备金率", "", "青铜器", "zebra",
                             "地铁新线路开通，市民出行", "手术机器人"}) {
      queries_.push_back({.text = text, .gold_documents = gold_});
    }
  }

  Json resolve(const Json& retriever) const {
    return catalog_.retrievers.resolve(retriever, "test.json", "/retriever");
  }
  std::unique_ptr<Retriever> open(const Json& retriever) {
    return base_.open(
        {.retriever = resolve(retriever),
         .chunker = catalog_.chunkers.resolve({{"type", "fixed"}, {"size", 24}}, "", ""),
         .embedder = catalog_.embedders.resolve({{"type", "lsa"}, {"dim", 12}}, "", ""),
         .index = catalog_.indexes.resolve({{"type", "flat"}}, "", "")});
  }
  std::vector<Retrieval> retrieve(const Json& retriever, std::size_t top_k) {
    return open(retriever)->retrieve(queries_, top_k, serial_);
  }
  std::vector<Retrieval> retrieve(const Json& retriever, std::string_view query,
                                  std::size_t top_k) {
    const Query asked{.text = query, .gold_documents = {}};
    return open(retriever)->retrieve(std::span(&asked, 1), top_k, serial_);
  }
  std::span<const Query> queries() const { return queries_; }
  const KnowledgeBase& base() const { return base_; }
  const Corpus& corpus() const { return corpus_; }
  Executor& serial() { return serial_; }

 private:
  SerialExecutor serial_;
  Catalog catalog_ = retrieval_catalog();
  Corpus corpus_ = make_corpus(sample_articles());
  TemporaryFolder folder_;
  KnowledgeBase base_{folder_.path(), corpus_, "corpus", catalog_, serial_};
  std::vector<DocumentIndex> gold_{5, 2};
  std::vector<Query> queries_;
};

}  // namespace crudbench::testing_support
