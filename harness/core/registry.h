#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/core/error.h"
#include "harness/core/json.h"
#include "harness/core/options.h"
#include "harness/core/suggest.h"

namespace crudbench {

/// The members of one axis by their config names ("bm25", "hybrid", …).
///
/// `Product` is the axis' interface; `Context` are the parts a factory may use besides its options.
/// Filled once at start-up by an explicit table, constant afterwards, hence safe to share.
template <class Product, class... Context>
class Registry {
 public:
  struct Entry {
    std::string summary;  ///< One line, shown by `crudbench list`.
    Json example;         ///< A valid configuration of the member; `example["type"]` is its name.
    /// Reads and checks the options without building anything; after it `options.resolved()` holds
    /// the defaults too. Shares its parser with `make`.
    std::function<void(Options& options)> check;
    /// Builds the member from options that `check` accepts.
    std::function<std::unique_ptr<Product>(Options& options, Context... context)> make;
    /// Other sections of the configuration that the member reads ("chunker", "embedder", …); a
    /// cell's fingerprint holds these and no others.
    std::vector<std::string> sections;
    /// Options whose natural value is a list, and so never an axis of a sweep.
    std::vector<std::string> list_options;
    /// Options that cannot change a result (time-outs, concurrency), left out of fingerprints.
    std::vector<std::string> neutral_options;
    /// True where answers cost money or time, so that they go through the completion cache.
    bool costly = false;
  };

  explicit Registry(std::string axis) : axis_(std::move(axis)) {}

  void add(const std::string& name, Entry entry) {
    if (!entries_.emplace(name, std::move(entry)).second) {
      throw std::logic_error("two members of axis '" + axis_ + "' are named '" + name + "'");
    }
  }

  const std::string& axis() const noexcept { return axis_; }
  const std::map<std::string, Entry>& entries() const noexcept { return entries_; }

  /// The entry `options["type"]` names. Throws Error(kInvalidConfig) for an unknown name, with the
  /// nearest known one.
  const Entry& entry_for(Options& options) const {
    const std::string name = options.text("type");
    const auto found = entries_.find(name);
    if (found == entries_.end()) {
      std::vector<std::string> names;
      for (const auto& [known, entry] : entries_) {
        names.push_back(known);
      }
      throw Error(ErrorCode::kInvalidConfig, options.file() + ": " + options.pointer_to("type") +
                                                 ": unknown " + axis_ + " '" + name + "'" +
                                                 suggestion(name, names));
    }
    return found->second;
  }

  /// Checks a member's options and returns them with all defaults filled in. Builds nothing.
  /// Throws Error(kInvalidConfig).
  Json resolve(const Json& value, const std::string& file, const std::string& pointer) const {
    Options options(value, file, pointer);
    entry_for(options).check(options);
    options.finish();
    return options.resolved();
  }

  /// Builds the member that `resolved`, an object made by `resolve`, describes.
  std::unique_ptr<Product> build(const Json& resolved, Context... context) const {
    Options options(resolved, axis_);
    return entry_for(options).make(options, context...);
  }

 private:
  std::string axis_;
  std::map<std::string, Entry> entries_;
};

}  // namespace crudbench
