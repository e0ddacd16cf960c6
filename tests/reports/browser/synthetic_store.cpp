// Makes a workspace of made-up results, for the browser tests and for measuring reports:
//
//   crudbench_synthetic_store WORKSPACE demo
//   crudbench_synthetic_store WORKSPACE hostile
//   crudbench_synthetic_store WORKSPACE experts             (a local model with routing telemetry)
//   crudbench_synthetic_store WORKSPACE judged              (a judge with a faulty question bank)
//   crudbench_synthetic_store WORKSPACE CELLSxSAMPLES      (samples of all six tasks together)

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/fingerprint.h"
#include "harness/core/routing_record.h"
#include "harness/store/store.h"

namespace crudbench {
namespace {

constexpr std::array<const char*, 6> kTasks = {"event_summary",     "continuing_writing",
                                               "hallu_modified",    "questanswer_1doc",
                                               "questanswer_2docs", "questanswer_3docs"};

/// Texts that attack a page. What runs leaves `data-attacked` on the root of the document.
std::vector<std::string> hostile_texts() {
  return {"<script>document.documentElement.dataset.attacked=1</script>",
          "</script><script>document.documentElement.dataset.attacked=2</script>",
          "<img src=x onerror=\"document.documentElement.dataset.attacked=3\">",
          "\"}],\"x\":{{overview}} {{script}} ${document.documentElement.dataset.attacked=4}",
          "line\u2028separator\u2029<!--<script>",
          "\u202Eoverride \u2066isolate",
          "</textarea></title><svg onload=document.documentElement.dataset.attacked=5>",
          "javascript:document.documentElement.dataset.attacked=6",
          "__proto__",
          std::string(1'000'000, 'x')};
}

/// A made-up text of Chinese words, the same for the same seed.
std::string made_up_text(std::mt19937_64& random, std::size_t words) {
  constexpr std::array<const char*, 24> kWords = {"记者", "获悉", "当地", "时间", "上午", "公司",
                                                  "发布", "报告", "显示", "增长", "项目", "建设",
                                                  "完成", "投资", "亿元", "市场", "需求", "持续",
                                                  "恢复", "专家", "表示", "预计", "明年", "有望"};
  std::string text;
  for (std::size_t i = 0; i < words; ++i) {
    text += kWords[random() % kWords.size()];
    text += i % 12 == 11 ? "。" : "";
  }
  return text;
}

double uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11U) * 0x1.0p-53;
}

/// A made-up prompt, about as long as one with 8 passages and about as hard to compress as news.
std::string made_up_prompt(std::mt19937_64& random) {
  constexpr double kCharacters = 3000.0;
  std::string text = "你是一名新闻编辑。请根据下面的材料回答问题，把答案放在<response>标签中。\n";
  for (std::size_t i = 0; i < 1500; ++i) {
    // Frequent characters first, as in any language.
    const double place = std::pow(uniform(random), 3.0) * kCharacters;
    const auto code = 0x4E00U + static_cast<unsigned>(place);
    text += static_cast<char>(0xE0U | code >> 12U);
    text += static_cast<char>(0x80U | (code >> 6U & 0x3FU));
    text += static_cast<char>(0x80U | (code & 0x3FU));
  }
  return text;
}

void put_prompt(SampleRecord& sample, const std::string& prompt) {
  sample.prompt_sha256 = sha256_hex(prompt);
  sample.prompt = prompt;
}

/// How good a made-up cell is.
struct CellQuality {
  Json cell;
  double recall = 0.5;  ///< The chance that a gold document is found.
  double skill = 0.5;   ///< What the generator makes of found golds.
};

struct StoreShape {
  std::vector<CellQuality> cells;
  std::vector<std::string> tasks;
  std::size_t samples_per_task = 0;
  bool is_hostile = false;
  bool is_judged = false;
};

/// A mixture of experts on this machine, with fewer experts and stronger quantisation.
std::vector<CellQuality> made_up_expert_cells() {
  std::vector<CellQuality> cells;
  for (const int used : {2, 4, 8}) {
    for (const char* quantization : {"q8_0", "q4_k_m", "q2_k"}) {
      const double loss = 0.04 * (8 - used) + (quantization == std::string("q2_k") ? 0.15 : 0.0);
      cells.push_back({.cell = {{"dataset", {{"type", "crud_rag"}, {"kb", "gold_augmented"}}},
                                {"retriever", {{"type", "bm25"}, {"top_k", 8}}},
                                {"generator",
                                 {{"type", "llama"},
                                  {"model", "made-up-moe.gguf"},
                                  {"experts_used", used},
                                  {"quantization", quantization},
                                  {"telemetry", "routing"}}}},
                       .recall = 0.8,
                       .skill = 0.75 - loss});
    }
  }
  return cells;
}

/// Choices that fall more and more often on the same experts, others for every task and layer.
void make_up_choices(RoutingPhase& phase, const RoutingRecord& record, std::uint64_t tokens,
                     std::size_t task, std::mt19937_64& random) {
  phase.tokens = tokens;
  for (std::size_t layer = 0; layer < record.layers; ++layer) {
    for (std::uint64_t choice = 0; choice < tokens * record.experts_used; ++choice) {
      const double place = uniform(random) * uniform(random) * static_cast<double>(record.experts);
      const std::size_t expert =
          (static_cast<std::size_t>(place) + task * 5 + layer * 7) % record.experts;
      ++phase.counts[layer * record.experts + expert];
      ++phase.recency_ranks[static_cast<std::size_t>(place)];
      ++phase.frequency_ranks[static_cast<std::size_t>(place * uniform(random))];
    }
  }
}

/// What a local engine tells of a sample.
Json made_up_details(const Json& generator, std::size_t task, std::mt19937_64& random) {
  RoutingRecord record(6, 24, generator.at("experts_used").get<std::size_t>());
  record.expert_bytes = 3U << 30U;
  make_up_choices(record.prompt, record, 20, task, random);
  make_up_choices(record.answer, record, 10, task + 1, random);
  const double work = 0.4 + 0.1 * static_cast<double>(record.experts_used);
  const bool is_small = generator.at("quantization") != "q8_0";
  return {{"routing", to_json(record)},
          {"busy_seconds", work * (is_small ? 3.0 : 5.0) * (0.9 + 0.2 * uniform(random))},
          {"peak_memory_bytes", (is_small ? 3LL : 6LL) << 30}};
}

/// The options of a sweep: retrievers × chunk sizes × top_k, and the two bounds.
std::vector<CellQuality> made_up_cells(std::size_t count) {
  std::vector<CellQuality> cells;
  const auto add = [&](const char* retriever, int size, int top_k, double recall) {
    cells.push_back({.cell = {{"dataset", {{"type", "crud_rag"}, {"kb", "gold_augmented"}}},
                              {"chunker", {{"type", "sentence"}, {"size", size}}},
                              {"retriever", {{"type", retriever}, {"top_k", top_k}}},
                              {"generator", {{"type", "openai"}, {"model", "made-up-7b"}}}},
                     .recall = recall,
                     .skill = 0.75});
  };
  add("none", 0, 0, 0.0);
  add("gold", 0, 0, 1.0);
  for (const int top_k : {2, 4, 8, 16, 32}) {
    for (const int size : {64, 128, 256, 512}) {
      const double reach = std::log2(top_k) / 5.0;
      const double fit = 1.0 - 0.12 * std::abs(std::log2(size) - 7.3);
      add("bm25", size, top_k, fit * (0.30 + 0.45 * reach));
      add("dense", size, top_k, fit * (0.34 + 0.42 * reach));
      add("hybrid", size, top_k, fit * (0.44 + 0.46 * reach));
    }
  }
  cells.resize(std::min(count, cells.size()));
  return cells;
}

Json made_up_scores(const CellQuality& quality, std::size_t first_gold_rank,
                    std::mt19937_64& random) {
  const double found = first_gold_rank > 0 ? 1.0 : 0.0;
  const double level = 0.12 + quality.skill * found * 0.5;
  const auto share = [&](double middle, double spread) {
    return std::clamp(middle + spread * (uniform(random) + uniform(random) - 1.0), 0.0, 1.0);
  };
  Json scores = {{"bleu_upstream", share(level * 0.6, 0.2)},
                 {"bleu", share(level * 0.5, 0.2)},
                 {"rouge_l", share(level, 0.25)},
                 {"rouge_1", share(level + 0.08, 0.25)},
                 {"rouge_2", share(level * 0.7, 0.2)},
                 {"length_chars", std::round(40.0 + 160.0 * uniform(random))},
                 {"length_ratio", 0.4 + uniform(random)},
                 {"missing_response_tag", uniform(random) < 0.02 ? 1.0 : 0.0},
                 {"mrr", first_gold_rank > 0 ? 1.0 / static_cast<double>(first_gold_rank) : 0.0}};
  for (const std::size_t k : {1, 2, 4, 8}) {
    const double hit = first_gold_rank > 0 && first_gold_rank <= k ? 1.0 : 0.0;
    scores["hit@" + std::to_string(k)] = hit;
    scores["recall@" + std::to_string(k)] = hit;
    scores["ndcg@" + std::to_string(k)] =
        hit == 0.0 ? 0.0 : 1.0 / std::log2(static_cast<double>(first_gold_rank) + 1.0);
  }
  return scores;
}

SampleRecord made_up_sample(const CellQuality& quality, const ItemRecord& item,
                            std::mt19937_64& random) {
  SampleRecord sample{.item_id = item.item_id,
                      .prediction = made_up_text(random, 15 + random() % 40),
                      .context_chars = 900,
                      .usage = {.prompt_tokens = 700 + static_cast<std::int64_t>(random() % 200),
                                .completion_tokens = 60 + static_cast<std::int64_t>(random() % 90)},
                      .retrieval_seconds = 0.002 + 0.003 * uniform(random),
                      .generation_seconds = 0.8 + 2.0 * uniform(random),
                      .cost = 0.0,
                      .attempt_count = 1,
                      .finish_reason = "stop"};
  put_prompt(sample, made_up_prompt(random));
  const double price = (2.0 * static_cast<double>(sample.usage.prompt_tokens) +
                        8.0 * static_cast<double>(sample.usage.completion_tokens)) /
                       1e6;
  sample.cached = item.item_id % 5 == 0;
  (sample.cached ? sample.saved : sample.cost) = price;
  const std::size_t rank = uniform(random) < quality.recall ? 1 + random() % 8 : 0;
  for (std::size_t i = 1; i <= 8; ++i) {
    const bool is_gold = i == rank;
    sample.hits.push_back({.doc_id = is_gold ? item.gold_doc_ids.front()
                                             : "news_" + std::to_string(random() % 400) +
                                                   ".txt:" + std::to_string(random() % 200),
                           .span = {0, 300 + static_cast<std::uint32_t>(random() % 300)},
                           .score = 30.0 / static_cast<double>(i) + uniform(random),
                           .is_gold = is_gold});
  }
  if (uniform(random) < 0.004) {
    sample.failure = Failure{
        .stage = Stage::kGeneration, .failure_class = "timeout", .message = "no answer in 60 s"};
    sample.prediction.clear();
  } else {
    sample.scores = made_up_scores(quality, rank, random);
  }
  return sample;
}

constexpr const char* kJudge = "made-up-judge#c0ffee";

/// What a judge with a bank made of a sample: some have no questions, some replies are too short.
void make_judged(SampleRecord& sample, std::size_t item, std::mt19937_64& random) {
  const std::size_t questions = item % 7 == 3 ? 0 : 3 + item % 4;
  Json examination = {{"questions", Json::array()},
                      {"gold_answers", Json::array()},
                      {"answers", Json::array()},
                      {"failure", ""},
                      {"parsed_at_once", random() % 10 > 0},
                      {"refused", false}};
  for (std::size_t i = 0; i < questions; ++i) {
    examination["questions"].push_back(made_up_text(random, 6) + "？");
    if (item % 11 != 5 || i > 0) {
      examination["gold_answers"].push_back(i % 5 == 4 ? "无法推断" : made_up_text(random, 2));
    }
    if (item % 13 != 6 || i + 1 < questions) {
      examination["answers"].push_back(made_up_text(random, 2));
    }
  }
  const std::string label = std::string("[") + kJudge + "]";
  const Json parsed = examination["parsed_at_once"];
  sample.examinations[kJudge] = std::move(examination);
  sample.scores["judge_parsed" + label] = questions == 0 ? Json() : Json(parsed ? 1.0 : 0.0);
  sample.scores["judge_refusal" + label] = questions == 0 ? Json() : Json(0.0);
  for (const char* metric : {"quest_clean_recall", "quest_clean_f1", "quest_upstream_f1"}) {
    sample.scores[metric + label] = questions == 0 ? Json() : Json(uniform(random));
  }
}

/// Every text of the sample becomes an attack.
void make_hostile(SampleRecord& sample, const std::string& text) {
  put_prompt(sample, text + "\nprompt");
  sample.prediction = text + "\nreference";
  sample.reply = "<response>" + text.substr(0, 5000);
  sample.finish_reason = text.substr(0, 200);
  sample.hits[0].doc_id = text.substr(0, 2000);
  sample.scores["similarity[" + text.substr(0, 60) + "]"] = 0.5;
  sample.scores["judge_parsed[" + text.substr(0, 60) + "]"] = 1.0;
  const std::string some = text.substr(0, 5000);
  sample.examinations[text.substr(0, 60)] = {
      {"questions", {some}}, {"gold_answers", {some}}, {"answers", {some}}};
}

std::vector<ItemRecord> made_up_items(const std::string& task, const StoreShape& shape) {
  std::vector<ItemRecord> items;
  const std::vector<std::string> attacks = hostile_texts();
  for (std::size_t i = 0; i < shape.samples_per_task; ++i) {
    std::mt19937_64 random(std::hash<std::string>()(task) + i);
    ItemRecord item{.task = task,
                    .sample_id = task + "-" + std::to_string(i),
                    .query = made_up_text(random, 10),
                    .reference = made_up_text(random, 40),
                    .gold_doc_ids = {"news_" + std::to_string(i) + ".txt:1"}};
    if (task.starts_with("questanswer")) {
      constexpr std::array<const char*, 4> kTypes = {"原因", "数量", "经过", ""};
      item.question_type = kTypes[random() % kTypes.size()];
    }
    if (i % 3 == 2) {
      item.gold_doc_ids.push_back("news_" + std::to_string(i) + ".txt:2");
    }
    if (shape.is_hostile) {
      const std::string& text = attacks[i % attacks.size()];
      item.sample_id = std::to_string(i) + text.substr(0, 400);
      item.query = text;
      item.reference = text + "\nprediction";
      item.gold_doc_ids = {text.substr(0, 2000)};
      item.question_type = text.substr(0, 300);
    }
    items.push_back(std::move(item));
  }
  return items;
}

void fill(Store& store, const StoreShape& shape) {
  std::vector<std::int64_t> run_ids;
  const std::vector<std::string> attacks = hostile_texts();
  for (const std::string& task : shape.tasks) {
    std::vector<ItemRecord> items = made_up_items(task, shape);
    const std::vector<std::int64_t> ids = store.put_items("samples", "corpus", items);
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i].item_id = ids[i];
    }
    for (std::size_t c = 0; c < shape.cells.size(); ++c) {
      const CellQuality& quality = shape.cells[c];
      Json provenance = {{"knowledge_base_mode", "gold_augmented"},
                         {"corpus_fingerprint", "0f6c2a91d0corpus"},
                         {"samples_fingerprint", "7be1904c55samples"},
                         {"documents", 80'000},
                         {"price", {{"currency", "CNY"}, {"input", 2.0}, {"output", 8.0}}},
                         {"prompt_sha256", shape.is_hostile && c % 2 == 1 ? "other" : "same"}};
      if (shape.is_hostile) {
        provenance[attacks[c % attacks.size()].substr(0, 500)] = attacks[(c + 1) % attacks.size()];
        provenance["price"]["currency"] = attacks[c % 2].substr(0, 200);
      }
      const std::int64_t run_id =
          store.put_run({.fingerprint = task + "-" + std::to_string(c),
                         .cell_fingerprint = "cell" + std::to_string(c),
                         .task = task,
                         .cell = quality.cell,
                         .provenance = provenance,
                         .sample_count = static_cast<std::int64_t>(items.size())});
      run_ids.push_back(run_id);
      std::mt19937_64 random(std::hash<std::string>()(task) ^ (c + 1));
      std::vector<SampleRecord> samples;
      for (std::size_t i = 0; i < items.size(); ++i) {
        samples.push_back(made_up_sample(quality, items[i], random));
        if (quality.cell.at("generator").contains("telemetry")) {
          const auto place = std::find(shape.tasks.begin(), shape.tasks.end(), task);
          samples.back().details =
              made_up_details(quality.cell.at("generator"),
                              static_cast<std::size_t>(place - shape.tasks.begin()), random);
        }
        if (shape.is_judged && !samples.back().failure) {
          make_judged(samples.back(), i, random);
        }
        if (shape.is_hostile && !samples.back().failure) {
          make_hostile(samples.back(), attacks[(i + c) % attacks.size()]);
        }
      }
      store.put_samples(run_id, samples);
      if (shape.is_judged || shape.is_hostile) {
        store.put_bank(run_id, shape.is_judged ? kJudge : attacks[c % attacks.size()].substr(0, 60),
                       {{"file", shape.is_judged ? "QuestAnswer1Doc_quest_gt_save.json"
                                                 : attacks[c % attacks.size()].substr(0, 3000)},
                        {"entries", 33},
                        {"usable", 24},
                        {"empty", 4},
                        {"without_answer", 1},
                        {"unequal", 3},
                        {"unanswerable", 1},
                        {"malformed", 1},
                        {"questions", 118},
                        {"unanswerable_questions", 19}});
      }
    }
  }
  const std::string name = shape.is_hostile ? attacks.front() : "synthetic";
  store.put_experiment(name, {{"experiment", name}}, without_labels(run_ids));
  if (shape.is_hostile) {
    std::vector<SpendingRecord> spending;
    for (const std::string& text : attacks) {
      spending.push_back({.experiment = name,
                          .purpose = text.substr(0, 5000),
                          .model = text,
                          .requests = 3,
                          .usage = {.prompt_tokens = 10, .completion_tokens = 5},
                          .cost = 0.5,
                          .currency = text.substr(0, 100)});
    }
    store.put_completions({}, spending);
  }
}

StoreShape hostile_shape() {
  StoreShape shape{.tasks = {"event_summary"}, .samples_per_task = 10, .is_hostile = true};
  const std::vector<std::string> attacks = hostile_texts();
  shape.tasks.push_back("task " + attacks[1]);
  for (std::size_t i = 0; i < attacks.size(); ++i) {
    CellQuality quality{.cell = made_up_cells(i + 3).back().cell, .recall = 0.6};
    if (i % 2 == 0) {  // The others have an endpoint, and so no telemetry.
      quality.cell["generator"] = made_up_expert_cells()[i].cell.at("generator");
    }
    quality.cell["generator"]["model"] = attacks[i].substr(0, 20'000);
    quality.cell[attacks[i].substr(0, 100)] = attacks[i].substr(0, 1000);
    shape.cells.push_back(std::move(quality));
  }
  return shape;
}

/// "30x7600".
bool parse_shape(const std::string& text, StoreShape& shape) {
  std::size_t cells = 0;
  std::size_t samples = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, cells);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != 'x') {
    return false;
  }
  const auto second = std::from_chars(first.ptr + 1, end, samples);
  shape.cells = made_up_cells(cells);
  shape.samples_per_task = samples / kTasks.size();
  return second.ec == std::errc() && second.ptr == end && shape.samples_per_task > 0;
}

int run(const std::string& folder, const std::string& kind) {
  StoreShape shape{.tasks = {kTasks.begin(), kTasks.end()}};
  if (kind == "demo") {
    shape.cells = made_up_cells(26);
    shape.samples_per_task = 60;
  } else if (kind == "experts") {
    shape.cells = made_up_expert_cells();
    shape.tasks.resize(3);
    shape.samples_per_task = 30;
  } else if (kind == "judged") {
    shape.cells = made_up_cells(5);
    shape.tasks = {"questanswer_1doc", "event_summary"};
    shape.samples_per_task = 30;
    shape.is_judged = true;
  } else if (kind == "hostile") {
    shape = hostile_shape();
  } else if (!parse_shape(kind, shape)) {
    std::fprintf(stderr, "expected demo, hostile, experts, judged or CELLSxSAMPLES, found '%s'\n",
                 kind.c_str());
    return 2;
  }
  Store store(Workspace{folder}, Database::Mode::kReadWrite);
  fill(store, shape);
  return 0;
}

}  // namespace
}  // namespace crudbench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s WORKSPACE demo|hostile|experts|judged|CELLSxSAMPLES\n",
                 argv[0]);
    return 2;
  }
  return crudbench::run(argv[1], argv[2]);
}
