#pragma once

#include <string>
#include <vector>

#include "datasets/corpus.h"
#include "datasets/dataset.h"
#include "harness/core/types.h"

namespace crudbench {

/// Where the articles that samples were made from come from; see docs/architecture.md.
enum class KnowledgeBaseMode {
  kPaper,          ///< The corpus alone, as upstream has it.
  kGoldAugmented,  ///< The corpus and every source article that it lacks.
};

/// Fills `sample.gold_documents`: finds the sample's source articles in the corpus by their text
/// and, in mode `kGoldAugmented`, adds those that it lacks under "TASK/SAMPLE_ID/FIELD".
///
/// An article is written as upstream writes its corpus lines: stripped, each line feed a space.
/// For continuing_writing it is `beginning` and `continuing` together. A field that the corpus now
/// holds, and no task asks for, is taken out of the sample.
/// Where an article is empty or not there, the sample has no gold documents, and `issues` says so;
/// so it does, in mode `kPaper`, of a hallu_modified article that the corpus lacks. `file` is the
/// samples file's name in issues.
void attach_gold_documents(Sample& sample, Corpus& corpus, KnowledgeBaseMode mode,
                           const std::string& file, std::vector<HealthIssue>& issues);

}  // namespace crudbench
