#pragma once

#include <vector>

#include "harness/core/executor.h"
#include "retrievers/retriever.h"

namespace crudbench {

/// How well a retriever finds what belongs together, by the corpus alone: asked with a chunk, at
/// what rank does it find another chunk of the same document? The mean reciprocal rank over a fixed
/// sample of 256 documents, ranks beyond 100 counting 0; the chunk itself and copies of its
/// document are left out of the ranking. 0 where no document has two chunks.
///
/// No question and no gold document is looked at, so that what is tuned by it may be evaluated with
/// them. Throws Error if the retriever fails.
double self_retrieval_quality(const Retriever& retriever, Executor& executor);

/// The qualities of retrievers, each to the third power, as weights of sum 1; equal ones where none
/// finds anything. Weights as the qualities themselves leave a weak part enough of a say to push
/// hits of the better one out of the first few (docs/measurements.md).
std::vector<double> weights_by_quality(const std::vector<double>& qualities);

}  // namespace crudbench
