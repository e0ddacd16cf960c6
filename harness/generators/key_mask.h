#pragma once

#include <string>
#include <string_view>

namespace crudbench {

/// Takes the key out of what a server says, should it repeat it.
class KeyMask {
 public:
  explicit KeyMask(std::string key);

  /// For a message: masked, control characters replaced, at most 200 code points.
  std::string quote(std::string_view words) const;

  /// For an answer. Short keys are left: they are place-holders ("none", "EMPTY") for servers that
  /// want none, and may be part of an honest answer.
  std::string mask(std::string text) const;

 private:
  std::size_t size_of_leading_key(std::string_view words) const noexcept;

  std::string key_;
  std::string escaped_key_;  ///< As it stands inside a JSON string.
};

}  // namespace crudbench
