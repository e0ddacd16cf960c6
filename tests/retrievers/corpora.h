#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datasets/corpus.h"
#include "harness/core/catalog.h"
#include "harness/generators/builtin_generators.h"
#include "retrievers/builtin_retrievers.h"
#include "retrievers/chunk_table.h"
#include "retrievers/chunkers/builtin_chunkers.h"
#include "retrievers/embedders/builtin_embedders.h"
#include "retrievers/indexes/builtin_indexes.h"

namespace crudbench::testing_support {

inline Corpus make_corpus(const std::vector<std::string>& texts) {
  Corpus corpus;
  const std::uint32_t file = corpus.add_file("news");
  std::uint32_t line = 0;
  for (const std::string& text : texts) {
    corpus.add(file, ++line, text);
  }
  return corpus;
}

/// Short articles on a handful of subjects, each told several times with other figures: enough for
/// LSA to learn from, with many near-duplicates.
inline std::vector<std::string> sample_articles() {
  const std::vector<std::string> subjects{
      "台风登陆沿海地区，气象部门发布红色预警，渔船回港避风，学校停课",
      "央行宣布下调存款准备金率，释放长期资金，支持实体经济发展",
      "足球联赛决赛昨晚举行，主队点球大战获胜，球迷彻夜庆祝",
      "新能源汽车销量大幅增长，电池企业扩大产能，充电桩建设提速",
      "考古队在古城遗址发现青铜器，专家认为距今约三千年",
      "医院引进手术机器人，微创手术时间缩短，患者恢复更快",
      "地铁新线路开通运营，市民出行时间减少，沿线商业活跃"};
  std::vector<std::string> articles;
  for (int i = 0; i < 12; ++i) {
    for (const std::string& subject : subjects) {
      articles.push_back(subject + "。记者从现场获悉，第" + std::to_string(i + 1) + "批统计数据为" +
                         std::to_string(37 * i + 11) + "项，详情将陆续公布。");
    }
  }
  return articles;
}

inline Catalog retrieval_catalog() {
  Catalog catalog;
  add_builtin_chunkers(catalog);
  add_builtin_embedders(catalog);
  add_builtin_indexes(catalog);
  add_builtin_retrievers(catalog);
  add_builtin_generators(catalog);
  return catalog;
}

/// A member of an axis from options that need not be resolved yet.
inline std::unique_ptr<Chunker> make_chunker(const Json& options) {
  const Catalog catalog = retrieval_catalog();
  return catalog.chunkers.build(catalog.chunkers.resolve(options, "test", ""));
}

inline std::vector<std::string> chunk_texts(const Json& options, std::string_view text) {
  std::vector<std::string> texts;
  for (const ChunkPieces& pieces : make_chunker(options)->chunk({.doc_id = "doc", .text = text})) {
    std::string& chunk = texts.emplace_back();
    for (const ByteSpan piece : pieces) {
      chunk.append(text.substr(piece.begin, piece.end - piece.begin));
    }
  }
  return texts;
}

}  // namespace crudbench::testing_support
