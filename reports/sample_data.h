#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/store/store.h"

/// What the sample explorer of a report reads: samples in pages, each page compressed by itself, so
/// that a browser unpacks what is looked at and nothing else.
namespace crudbench {

/// Data of one run or of the items of one task, under a name that is fit for a file.
struct SampleFile {
  std::string key;  ///< "run-12", "items-0-2", "prompts-12".
  /// A JSON array of strings, each Base64 of gzipped JSON: an index, then pages of
  /// `kSamplesPerPage`; of prompts, texts. Nothing in it can end an HTML script element.
  std::string payload;
};

inline constexpr std::size_t kSamplesPerPage = 200;

/// Which items of a task a report shows, the same ones for all runs.
struct ItemChoice {
  std::vector<std::int64_t> item_ids;           ///< Ascending.
  std::vector<std::int64_t> prompted_item_ids;  ///< Those whose prompts it has as well. Ascending.
  std::size_t total_count = 0;                  ///< Of what they were chosen from.
};

/// At most `limit` of the items that any of the runs holds, and `prompt_limit` of those, spread
/// evenly over them.
ItemChoice choose_items(const Store& store, std::span<const std::int64_t> run_ids,
                        std::size_t limit, std::size_t prompt_limit);

/// Index: {"count", "total"}. A page: [[sample_id, query, reference, [gold doc_id…]]…], in the
/// order of `choice`.
SampleFile item_file(const std::string& key, const Store& store,
                     std::span<const std::int64_t> run_ids, const ItemChoice& choice);

/// The key of a run's file.
std::string run_key(std::int64_t run_id);

/// Index, one entry a sample: {"items": positions in `choice`, "repeats", "failed": 0 or 1,
/// "format": 1 where the reply lacks its `<response>` tag, "metrics": {name: [number or null]}} of
/// the named metrics. A page: a list of {"prediction", "reply" (where it differs), "failure":
/// [stage, class, message], "hits": [[doc_id, begin, end, score, gold]], "scores", "examinations",
/// "request": {…, "prompt": "here" (in `prompt_file`), "in_store" or "not_kept"; absent without
/// one}}. Numbers are rounded to 6 decimals.
SampleFile run_file(const Store& store, std::int64_t run_id, const ItemChoice& choice,
                    std::span<const std::string> metrics);

/// The key of the file with a run's prompts.
std::string prompt_key(std::int64_t run_id);
bool is_prompt_key(std::string_view key);

/// Index: {"count"}, of prompts that are here. Then one part a sample, in the order of `run_file`:
/// its prompt as it was sent, no JSON; an empty string where it is not here. nullopt if none is.
std::optional<SampleFile> prompt_file(const Store& store, std::int64_t run_id,
                                      const ItemChoice& choice);

}  // namespace crudbench
