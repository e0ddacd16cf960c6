#include "datasets/gold_documents.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "harness/text/utf8.h"

namespace crudbench {

namespace {

/// An article that a sample was made from.
struct SourceArticle {
  std::string field;
  std::string text;           ///< As a line of the corpus; empty if there is none.
  bool needed_later = false;  ///< Whether a task asks for the field too.
};

std::string as_corpus_line(std::string_view article) {
  std::string line(strip(article));
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

std::string_view field_of(const Sample& sample, std::string_view name) {
  const auto field = sample.fields.find(name);
  return field == sample.fields.end() ? std::string_view() : std::string_view(field->second);
}

std::vector<SourceArticle> source_articles(const Sample& sample) {
  if (sample.task == "event_summary") {
    return {{"text", as_corpus_line(field_of(sample, "text"))}};
  }
  if (sample.task == "hallu_modified") {
    return {{"newsRemainder", as_corpus_line(field_of(sample, "newsRemainder"))}};
  }
  if (sample.task == "continuing_writing") {
    std::string article(field_of(sample, "beginning"));
    article += field_of(sample, "continuing");
    return {{"beginning+continuing", as_corpus_line(article), true}};
  }
  // How many articles a question is about is told by its fields, not by the name of its task.
  std::vector<SourceArticle> articles;
  for (char number = '1'; number <= '9'; ++number) {
    const std::string field = std::string("news") + number;
    if (sample.fields.contains(field)) {
      articles.push_back({field, as_corpus_line(field_of(sample, field))});
    }
  }
  return articles;
}

}  // namespace

void attach_gold_documents(Sample& sample, Corpus& corpus, KnowledgeBaseMode mode,
                           const std::string& file, std::vector<HealthIssue>& issues) {
  const std::string id = sample.task + "/" + sample.sample_id;
  const auto report = [&](std::string problem, std::string detail) {
    issues.push_back({std::move(problem), file + ": " + id, std::move(detail), false});
  };
  std::vector<DocumentIndex> golds;
  bool complete = true;
  for (const SourceArticle& article : source_articles(sample)) {
    if (article.text.empty()) {
      report("missing_gold", "'" + article.field + "' holds no text");
      complete = false;
      continue;
    }
    std::optional<DocumentIndex> document = corpus.find(article.text);
    if (!document && mode == KnowledgeBaseMode::kGoldAugmented) {
      document = corpus.add_named(id + "/" + article.field, article.text);
    }
    if (document) {
      if (std::find(golds.begin(), golds.end(), *document) == golds.end()) {
        golds.push_back(*document);
      }
      if (!article.needed_later) {
        sample.fields.erase(article.field);
      }
    } else if (sample.task == "hallu_modified") {
      report("gold_not_in_corpus", "no document is '" + article.field + "' word for word");
    }
  }
  if (complete) {
    sample.gold_documents = std::move(golds);
  }
}

}  // namespace crudbench
