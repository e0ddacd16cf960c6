#include "reports/trec.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "reports/leaderboard.h"
#include "reports/safe_text.h"

namespace crudbench {

namespace {

constexpr std::size_t kFingerprintDigits = 10;

struct RankedDocument {
  std::string doc_id;
  double score = 0.0;
};

bool has(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

/// Finds the gold document that a hit on it or on a copy of it stands for.
class GoldFinder {
 public:
  GoldFinder(const std::vector<std::string>& golds, const std::vector<StoredHit>& hits)
      : golds_(golds), hits_(hits) {
    for (const StoredHit& hit : hits) {
      if (hit.is_gold && has(golds, hit.doc_id)) {
        gold_of_[hit.doc_id] = hit.doc_id;
        taken_.insert(hit.doc_id);
      }
    }
  }

  const std::string& find(const StoredHit& hit) {
    const auto known = gold_of_.find(hit.doc_id);
    return known != gold_of_.end() ? known->second : gold_of_[hit.doc_id] = gold_of_copy(hit);
  }

 private:
  std::string gold_of_copy(const StoredHit& copy) {
    const std::string* nearest = nullptr;
    double least_distance = std::numeric_limits<double>::infinity();
    for (const StoredHit& hit : hits_) {
      const auto known = gold_of_.find(hit.doc_id);
      const double distance = std::abs(hit.score - copy.score);
      if (known != gold_of_.end() && hit.span == copy.span && distance < least_distance) {
        nearest = &known->second;
        least_distance = distance;
      }
    }
    if (nearest != nullptr) {
      return *nearest;
    }
    for (const std::string& gold : golds_) {
      if (taken_.insert(gold).second) {
        return gold;
      }
    }
    return golds_.empty() ? copy.doc_id : golds_.front();
  }

  const std::vector<std::string>& golds_;
  const std::vector<StoredHit>& hits_;
  std::map<std::string, std::string> gold_of_;  ///< doc_id of a hit → gold document.
  std::set<std::string> taken_;                 ///< Gold documents with a hit.
};

std::vector<RankedDocument> rank_documents(const ItemRecord& item,
                                           const std::vector<StoredHit>& hits) {
  GoldFinder golds(item.gold_doc_ids, hits);
  std::vector<RankedDocument> ranking;
  std::set<std::string> seen;
  for (const StoredHit& hit : hits) {
    const std::string& doc_id = hit.is_gold ? golds.find(hit) : hit.doc_id;
    if (seen.insert(doc_id).second) {
      ranking.push_back({doc_id, hit.score});
    }
  }
  return ranking;
}

double average_precision(const std::vector<RankedDocument>& ranking,
                         const std::vector<std::string>& golds) {
  double sum = 0.0;
  double found = 0.0;
  for (std::size_t i = 0; i < ranking.size(); ++i) {
    if (has(golds, ranking[i].doc_id)) {
      sum += ++found / static_cast<double>(i + 1);
    }
  }
  return sum / static_cast<double>(golds.size());
}

/// The float nearest to `score`, or, where that is not below `previous`, the next float below it.
float score_below(double score, float previous) {
  // Leaves room to step down from for any number of documents.
  constexpr double kLargest = std::numeric_limits<float>::max() / 4;
  const auto wanted = static_cast<float>(std::clamp(score, -kLargest, kLargest));
  return wanted < previous ? wanted
                           : std::nextafter(previous, -std::numeric_limits<float>::infinity());
}

std::string run_lines(const std::string& qid, const std::vector<RankedDocument>& ranking,
                      const std::string& tag) {
  std::string lines;
  float score = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < ranking.size(); ++i) {
    score = score_below(ranking[i].score, score);
    lines += qid + " Q0 " + trec_token(ranking[i].doc_id) + " " + std::to_string(i + 1) + " " +
             exact_number(static_cast<double>(score)) + " " + tag + "\n";
  }
  return lines;
}

/// The gold documents of one task on one data set.
struct Qrels {
  std::string file;
  std::map<std::int64_t, std::string> lines;  ///< By item.
};

class TrecWriter {
 public:
  TrecWriter(const Store& store, std::filesystem::path folder)
      : store_(store), folder_(std::move(folder)) {}

  /// nullopt for a run without hits, which makes no file.
  std::optional<TrecRun> write_run(const RunRecord& run, const std::string& label) {
    const std::string tag = "run-" + std::to_string(run.run_id) + "-" +
                            file_name_part(run.fingerprint.substr(0, kFingerprintDigits));
    TrecRun result{.run_id = run.run_id,
                   .fingerprint = run.fingerprint,
                   .task = run.task,
                   .label = label,
                   .run_file = tag + "-" + file_name_part(run.task) + ".txt"};
    Qrels qrels;
    AtomicFileWriter file(folder_ / result.run_file);
    std::int64_t last_item_id = -1;
    store_.visit_samples(run.run_id, [&](const ItemRecord& item, SampleRecord&& sample) {
      const std::string qid = trec_token(item.sample_id);
      std::string& gold_lines = qrels.lines[item.item_id];
      if (gold_lines.empty()) {
        for (const std::string& gold : item.gold_doc_ids) {
          gold_lines += qid + " 0 " + trec_token(gold) + " 1\n";
        }
      }
      if (sample.hits.empty() || item.item_id == last_item_id) {
        return;
      }
      last_item_id = item.item_id;
      const std::vector<RankedDocument> ranking = rank_documents(item, sample.hits);
      file.write(run_lines(qid, ranking, tag));
      ++result.query_count;
      const auto stored = sample.scores.find("map");
      constexpr double kTolerance = 1e-9;
      if (stored != sample.scores.end() && stored->is_number() && !item.gold_doc_ids.empty() &&
          std::abs(stored->get<double>() - average_precision(ranking, item.gold_doc_ids)) >
              kTolerance) {
        ++result.differing_count;
      }
    });
    if (result.query_count == 0) {
      return std::nullopt;
    }
    file.commit();
    result.qrels_file = add_qrels(run, std::move(qrels));
    return result;
  }

  void write_qrels() const {
    for (const auto& [key, qrels] : qrels_) {
      std::string text;
      for (const auto& [item_id, lines] : qrels.lines) {
        text += lines;
      }
      write_file_atomically(folder_ / qrels.file, text);
    }
  }

 private:
  /// The name of the file; nullopt if no gold documents are known.
  std::optional<std::string> add_qrels(const RunRecord& run, Qrels found) {
    std::erase_if(found.lines, [](const auto& item) { return item.second.empty(); });
    if (found.lines.empty()) {
      return std::nullopt;
    }
    FingerprintBuilder identity("trec qrels", 1);
    for (const std::string& part : table_identity(run)) {
      identity.add(part);
    }
    const std::string hash = identity.add(run.task).hex_digest().substr(0, kFingerprintDigits);
    Qrels& qrels = qrels_[hash];
    qrels.file = "qrels-" + file_name_part(run.task) + "-" + hash + ".txt";
    qrels.lines.merge(found.lines);
    return qrels.file;
  }

  const Store& store_;
  std::filesystem::path folder_;
  std::map<std::string, Qrels> qrels_;  ///< By the hash in their file's name.
};

}  // namespace

std::vector<TrecRun> write_trec(const Store& store, const std::optional<std::string>& experiment,
                                const std::filesystem::path& folder) {
  const std::vector<RunRecord> runs = runs_to_report(store, experiment);
  std::vector<Json> cells;
  for (const RunRecord& run : runs) {
    cells.push_back(run.cell);
  }
  const std::vector<std::string> labels = cell_labels(cells);
  create_folders(folder);
  TrecWriter writer(store, folder);
  std::vector<TrecRun> written;
  Json list = Json::array();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (auto run = writer.write_run(runs[i], labels[i])) {
      list.push_back({{"run_id", run->run_id},
                      {"fingerprint", run->fingerprint},
                      {"task", run->task},
                      {"label", run->label},
                      {"run_file", run->run_file},
                      {"qrels_file", run->qrels_file ? Json(*run->qrels_file) : Json()},
                      {"queries", run->query_count},
                      {"differing_queries", run->differing_count}});
      written.push_back(std::move(*run));
    }
  }
  writer.write_qrels();
  const Json index = {{"format", "crudbench-trec"}, {"version", 1}, {"runs", std::move(list)}};
  write_file_atomically(folder / "trec.json",
                        index.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  return written;
}

std::string trec_token(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string token = text.empty() ? "%" : "";
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte > ' ' && byte < 0x7F && byte != '%') {
      token += character;
    } else {
      token += '%';
      token += kDigits[byte >> 4U];
      token += kDigits[byte & 15U];
    }
  }
  return token;
}

}  // namespace crudbench
