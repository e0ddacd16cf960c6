#pragma once

#include <memory>
#include <string>

#include "harness/generators/completion_cache.h"
#include "harness/generators/generator.h"

namespace crudbench {

/// `inner`, asked only what `cache` does not hold.
///
/// The key of a prompt is FingerprintBuilder("completion", 1) over `generator_fingerprint` and the
/// prompt's text. A hit is handed over with `cached` set, no attempts, and the usage, finish reason
/// and seconds of the request that was once sent. A reply is in the cache before the sink gets it;
/// both it and a hit name their `completion_key`. Failures are never cached. Prompts of one text
/// under way at the same time are one request: the later ones get its completion as a hit, or its
/// failure, without attempts of their own.
///
/// `cache` must outlive the generator.
std::unique_ptr<Generator> make_caching_generator(std::unique_ptr<Generator> inner,
                                                  std::string generator_fingerprint,
                                                  CompletionCache& cache);

}  // namespace crudbench
