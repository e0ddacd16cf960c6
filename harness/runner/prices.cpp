#include "harness/runner/prices.h"

#include <algorithm>
#include <iomanip>
#include <locale>
#include <sstream>

namespace crudbench {

namespace {

constexpr double kTokensPerPrice = 1e6;

ModelPrice read_price(Options& options) {
  constexpr double kMost = 1e9;
  ModelPrice price;
  for (const char* key : {"input", "output"}) {
    if (!options.has(key)) {
      options.fail(key, "the price of a million tokens");
    }
  }
  price.input = options.number("input", 0.0, 0.0, kMost);
  price.cached_input = options.number("cached_input", price.input, 0.0, kMost);
  price.output = options.number("output", 0.0, 0.0, kMost);
  options.finish();
  return price;
}

}  // namespace

std::optional<ModelPrice> PriceTable::of(const Json& generator) const {
  const Json model = generator.value("model", Json());
  const auto found = model.is_string() ? models.find(model.get<std::string>()) : models.end();
  return found == models.end() ? std::nullopt : std::optional(found->second);
}

PriceTable read_price_table(Options& options) {
  PriceTable table;
  table.currency = options.text("currency", table.currency);
  const Json models = options.raw("models");
  if (!models.is_null() && !models.is_object()) {
    options.fail("models", "an object of prices by the names of models");
  }
  for (const auto& [name, value] : models.items()) {
    Options entry(value, options.file(), options.pointer_to("models") + "/" + name);
    table.models.emplace(name, read_price(entry));
  }
  options.finish();
  return table;
}

std::string format_money(double amount, const std::string& currency) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text << std::fixed << std::setprecision(4) << amount << " " << currency;
  return text.str();
}

std::optional<double> cost_of(const Usage& usage, const ModelPrice& price) {
  if (usage.prompt_tokens < 0 || usage.completion_tokens < 0) {
    return std::nullopt;
  }
  const std::int64_t cached =
      std::clamp<std::int64_t>(usage.cached_prompt_tokens, 0, usage.prompt_tokens);
  return (static_cast<double>(usage.prompt_tokens - cached) * price.input +
          static_cast<double>(cached) * price.cached_input +
          static_cast<double>(usage.completion_tokens) * price.output) /
         kTokensPerPrice;
}

double highest_cost(std::size_t prompt_bytes, std::int64_t max_tokens, const ModelPrice& price) {
  // What a chat template adds to a message: role, separators, system prompts of the server's own.
  constexpr double kFrameTokens = 256.0;
  const double input = std::max(price.input, price.cached_input);
  return ((static_cast<double>(prompt_bytes) + kFrameTokens) * input +
          static_cast<double>(max_tokens) * price.output) /
         kTokensPerPrice;
}

}  // namespace crudbench
