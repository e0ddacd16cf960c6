#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/json.h"

namespace crudbench {

/// One JSON object of a configuration, read key by key.
///
/// Every getter checks type and range, and remembers the key and the value it settled on: so
/// `finish()` can refuse keys nobody asked for, with the nearest known one, and `resolved()` is the
/// object with all defaults filled in, which is what fingerprints are made of. Errors are
/// Error(kInvalidConfig) "FILE: /json/pointer: expected …, found …".
///
/// Not thread-safe; read once, at start-up.
class Options {
 public:
  /// `value` must outlive this object. `pointer` is where `value` stands in `file`.
  Options(const Json& value, std::string file, std::string pointer = "");

  bool has(std::string_view key) const;

  /// The getters without a default require the key.
  std::string text(std::string_view key);
  std::string text(std::string_view key, std::string_view default_value);
  std::optional<std::string> optional_text(std::string_view key);
  std::string one_of(std::string_view key, std::span<const std::string_view> allowed,
                     std::string_view default_value);
  /// Integers within [minimum, maximum].
  std::int64_t integer(std::string_view key, std::int64_t default_value, std::int64_t minimum,
                       std::int64_t maximum = std::numeric_limits<std::int64_t>::max());
  /// Finite numbers within [minimum, maximum].
  double number(std::string_view key, double default_value, double minimum, double maximum);
  bool flag(std::string_view key, bool default_value);
  std::vector<std::string> texts(std::string_view key, std::vector<std::string> default_value);
  std::vector<double> numbers(std::string_view key, std::vector<double> default_value);
  /// A nested object; an empty one where the key is absent. The nested object is finished and
  /// recorded by the caller: `record(key, nested.resolved())`.
  Options object(std::string_view key);
  /// Any value, null where the key is absent; not checked here.
  Json raw(std::string_view key);

  /// Sets what `resolved()` says of `key`.
  void record(std::string_view key, Json value);

  /// Throws if the object holds a key that no getter asked for.
  void finish() const;

  /// What was read, defaults included.
  const Json& resolved() const noexcept { return resolved_; }

  /// Throws "FILE: POINTER/key: expected EXPECTED, found …".
  [[noreturn]] void fail(std::string_view key, std::string_view expected) const;

  const std::string& file() const noexcept { return file_; }
  std::string pointer_to(std::string_view key) const;

 private:
  const Json* find(std::string_view key);

  const Json* value_;
  std::string file_;
  std::string pointer_;
  std::vector<std::string> known_;  ///< Keys asked for, in order.
  Json resolved_ = Json::object();
};

}  // namespace crudbench
