#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "harness/llama/model.h"

namespace crudbench {

/// How many tokens two prompts have in common at their beginning.
std::size_t common_prefix(std::span<const Token> left, std::span<const Token> right);

/// Which beginnings of prompts are kept decoded, each in a sequence of its own, and who uses them.
/// Pure bookkeeping: it decodes nothing.
class SharedPrefixes {
 public:
  /// `sequences`: those that prefixes may take. `unit`: lengths are multiples of it.
  SharedPrefixes(std::vector<int> sequences, std::size_t unit);

  struct Prefix {
    int sequence = 0;
    std::vector<Token> tokens;
    std::size_t users = 0;  ///< Requests that share its cells now.
    std::uint64_t used_at = 0;
  };

  /// The longest kept prefix that `prompt` begins with and is longer than; null if there is none.
  Prefix* find(std::span<const Token> prompt);

  /// The length that is worth keeping for `prompt`: the one that saves the prompts of `waiting` the
  /// most, beyond what a kept prefix saves `prompt` already; 0 if that is too little.
  std::size_t worthwhile_length(std::span<const Token> prompt,
                                std::span<const std::span<const Token>> waiting);

  /// Keeps a new prefix. There has to be a free sequence, see `evict`.
  Prefix& keep(std::span<const Token> tokens);
  bool has_free_sequence() const noexcept { return !free_sequences_.empty(); }

  /// Forgets the prefix without users that was used least recently, `except` apart; returns its
  /// sequence, whose cells are to be freed; nullopt if every prefix has users.
  std::optional<int> evict(const Prefix* except);
  /// Forgets all; the caller frees all cells.
  void clear();

  void acquire(Prefix& prefix);
  void release(int sequence);

  std::size_t token_count() const noexcept;  ///< Cells that kept prefixes take.

 private:
  std::size_t unit_;
  std::vector<int> free_sequences_;
  std::vector<std::unique_ptr<Prefix>> prefixes_;
  std::uint64_t clock_ = 0;
};

}  // namespace crudbench
