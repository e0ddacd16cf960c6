#include "retrievers/retriever_parts.h"

#include <algorithm>
#include <string>

#include "retrievers/builtin_retrievers.h"
#include "retrievers/knowledge_base.h"

namespace crudbench {

namespace {

/// The configuration of a part with its defaults filled in.
Json resolve_part(const Json& value, const Options& options, std::size_t position) {
  Catalog catalog;
  add_builtin_retrievers(catalog);
  const std::string pointer = options.pointer_to("parts") + "/" + std::to_string(position);
  Options part(value, options.file(), pointer);
  const std::vector<std::string>& sections = catalog.retrievers.entry_for(part).sections;
  if (std::find(sections.begin(), sections.end(), "chunker") == sections.end()) {
    part.fail("type", "a retriever that searches chunks");
  }
  if (part.has("top_k")) {
    part.fail("top_k", "no such key here, since \"pool\" says how deep the parts look");
  }
  Json resolved = catalog.retrievers.resolve(value, options.file(), pointer);
  resolved.erase("top_k");
  return resolved;
}

std::string expected_parts(std::size_t fewest, std::size_t most) {
  if (most == 1) {
    return "a list of one retriever";
  }
  return fewest == 2 ? "a list of two or more retrievers" : "a list of retrievers";
}

}  // namespace

PartOptions read_part_options(Options& options, std::size_t default_pool, const Json& default_parts,
                              std::size_t fewest, std::size_t most) {
  PartOptions read;
  const std::size_t top_k = read_top_k(options);
  read.pool = static_cast<std::size_t>(
      options.integer("pool", static_cast<std::int64_t>(default_pool), 1, 10'000));
  if (top_k > read.pool) {
    options.fail("top_k", "an integer of at most \"pool\" (" + std::to_string(read.pool) + ")");
  }
  Json parts = options.raw("parts");
  if (parts.is_null()) {
    parts = default_parts;
  }
  if (!parts.is_array() || parts.size() < fewest || parts.size() > most) {
    options.fail("parts", expected_parts(fewest, most));
  }
  for (const Json& part : parts) {
    read.parts.push_back(resolve_part(part, options, read.parts.size()));
  }
  options.record("parts", read.parts);
  return read;
}

std::vector<std::unique_ptr<Retriever>> open_parts(const std::vector<Json>& configs,
                                                   const RetrieverParts& parts) {
  std::vector<std::unique_ptr<Retriever>> retrievers;
  for (const Json& part : configs) {
    RetrievalConfig config = parts.config;
    config.retriever = part;
    retrievers.push_back(parts.knowledge_base.open(config));
  }
  return retrievers;
}

}  // namespace crudbench
