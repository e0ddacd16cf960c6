#include "harness/runner/task_items.h"

#include <algorithm>
#include <utility>

#include "datasets/samples_file.h"

namespace crudbench {

void ItemIds::expect(std::size_t count, SampleRange here) {
  ids_.assign(count, kNotHere);
  here_ = here;
  known_ = here.begin;
}

void ItemIds::append(std::span<const std::int64_t> ids) {
  const std::size_t known = known_;
  std::copy(ids.begin(), ids.end(), ids_.begin() + static_cast<std::ptrdiff_t>(known));
  {
    const std::lock_guard lock(mutex_);
    known_ = known + ids.size();
  }
  changed_.notify_all();
}

void ItemIds::fail(std::exception_ptr error) {
  {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
  }
  changed_.notify_all();
}

std::int64_t ItemIds::at(std::size_t item) const {
  if (item >= known_ && item < here_.end) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return item < known_ || error_; });
    if (item >= known_) {
      std::rethrow_exception(error_);
    }
  }
  return ids_[item];
}

ItemKeeper::ItemKeeper(Store& store, const Dataset& dataset, std::vector<Part> parts)
    : store_(store), dataset_(dataset), parts_(std::move(parts)) {
  for (const Part& part : parts_) {
    part.items->ids.expect(part.items->samples.size(), part.range);
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { store_all(stop); });
}

ItemKeeper::~ItemKeeper() = default;

void ItemKeeper::store_all(const std::stop_token& stop) {
  try {
    for (const Part& part : parts_) {
      store_part(part, stop);
    }
  } catch (...) {
    for (const Part& part : parts_) {
      part.items->ids.fail(std::current_exception());
    }
  }
}

void ItemKeeper::store_part(const Part& part, const std::stop_token& stop) {
  // Answers and samples are stored in between.
  constexpr std::size_t kItemsPerTransaction = 256;
  const TaskItems& items = *part.items;
  for (std::size_t begin = part.range.begin; begin < part.range.end && !stop.stop_requested();
       begin += kItemsPerTransaction) {
    const std::size_t end = std::min(begin + kItemsPerTransaction, part.range.end);
    std::vector<ItemRecord> records;
    records.reserve(end - begin);
    for (std::size_t item = begin; item < end; ++item) {
      records.push_back(record_of(dataset_.samples[items.samples[item]], *items.task));
    }
    part.items->ids.append(
        store_.put_items(dataset_.samples_fingerprint, dataset_.corpus_fingerprint, records));
  }
}

ItemRecord ItemKeeper::record_of(const Sample& sample, const Task& task) const {
  ItemRecord record{.task = sample.task,
                    .sample_id = sample.sample_id,
                    .query = std::string(task.query(sample)),
                    .reference = std::string(task.reference(sample))};
  for (const DocumentIndex document : sample.gold_documents) {
    record.gold_doc_ids.push_back(dataset_.corpus.doc_id(document));
  }
  if (const auto type = sample.fields.find(kQuestionTypeField); type != sample.fields.end()) {
    record.question_type = type->second;
  }
  return record;
}

}  // namespace crudbench
