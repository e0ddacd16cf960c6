#include <utility>

#include "reports/bundle.h"
#include "reports/bundle_format.h"

namespace crudbench {

namespace {

Json header_json(const Bundle& bundle) {
  const RunRecord& first = bundle.runs.front().run;
  return {{"format", kBundleFormat},
          {"version", kBundleVersion},
          {"system", bundle.system},
          {"cell", first.cell},
          {"cell_fingerprint", first.cell_fingerprint},
          {"runs", bundle.runs.size()}};
}

Json run_json(const BundleRun& run) {
  return {{"run",
           {{"task", run.run.task},
            {"fingerprint", run.run.fingerprint},
            {"created_at", run.run.created_at},
            {"provenance", run.run.provenance},
            {"samples", run.run.sample_count},
            {"summary", run.summary}}}};
}

Json sample_json(const BundleSample& kept) {
  const SampleRecord& sample = kept.sample;
  Json value = {{"id", kept.sample_id},
                {"repeat", sample.repeat},
                {"gold_documents", kept.gold_count},
                {"reference_sha256", kept.reference_sha256},
                {"scores", sample.scores},
                {"prompt_tokens", sample.usage.prompt_tokens},
                {"completion_tokens", sample.usage.completion_tokens},
                {"retrieval_seconds", sample.retrieval_seconds},
                {"generation_seconds", sample.generation_seconds},
                {"cached", sample.cached}};
  if (sample.failure) {
    value["failed"] = {{"stage", to_string(sample.failure->stage)},
                       {"class", sample.failure->failure_class}};
  }
  if (kept.has_prediction) {
    value["prediction"] = sample.prediction;
  }
  return {{"sample", std::move(value)}};
}

}  // namespace

void BundleHashes::add(Part part, std::string_view line) {
  parts_[static_cast<std::size_t>(part)].update(line);
  all_.update(line);
}

Json BundleHashes::take() {
  return {{"config", parts_[0].hex_digest()},
          {"metrics", parts_[1].hex_digest()},
          {"samples", parts_[2].hex_digest()},
          {"bundle", all_.hex_digest()}};
}

std::string bundle_text(const Bundle& bundle) {
  std::string text;
  BundleHashes hashes;
  const auto append = [&](BundleHashes::Part part, const Json& value) {
    const std::string line = to_text(value) + "\n";
    hashes.add(part, line);
    text += line;
  };
  append(BundleHashes::Part::kConfig, header_json(bundle));
  for (const BundleRun& run : bundle.runs) {
    append(BundleHashes::Part::kMetrics, run_json(run));
    for (const BundleSample& sample : run.samples) {
      append(BundleHashes::Part::kSamples, sample_json(sample));
    }
  }
  return text + to_text({{"sha256", hashes.take()}}) + "\n";
}

}  // namespace crudbench
