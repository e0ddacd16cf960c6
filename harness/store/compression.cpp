#include "harness/store/compression.h"

#include <cstddef>
#include <cstdint>
#include <libdeflate.h>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>

#include "harness/core/error.h"

namespace crudbench {

namespace {

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const noexcept {
    libdeflate_free_compressor(compressor);
  }
};
struct FreeDecompressor {
  void operator()(libdeflate_decompressor* decompressor) const noexcept {
    libdeflate_free_decompressor(decompressor);
  }
};
using Compressor = std::unique_ptr<libdeflate_compressor, FreeCompressor>;
using Decompressor = std::unique_ptr<libdeflate_decompressor, FreeDecompressor>;

/// The calling thread's: to make one takes longer than to compress a few kilobytes.
libdeflate_compressor* compressor_of(int level) {
  thread_local std::map<int, Compressor> compressors;
  Compressor& compressor = compressors[level];
  if (compressor == nullptr) {
    compressor.reset(libdeflate_alloc_compressor(level));
  }
  if (compressor == nullptr) {
    throw std::bad_alloc();
  }
  return compressor.get();
}

/// The number of bytes that the last four of gzip's form tell, modulo 2^32.
std::uint32_t told_size(std::string_view bytes) noexcept {
  std::uint32_t size = 0;
  for (std::size_t i = 1; i <= sizeof size; ++i) {
    size = size << 8U | static_cast<unsigned char>(bytes[bytes.size() - i]);
  }
  return size;
}

[[noreturn]] void throw_damaged() {
  throw Error(ErrorCode::kInvalidData, "compressed data: cut off or damaged");
}

}  // namespace

std::string gzip(std::string_view bytes, int level) {
  libdeflate_compressor* compressor = compressor_of(level);
  std::string output(libdeflate_gzip_compress_bound(compressor, bytes.size()), '\0');
  const std::size_t size = libdeflate_gzip_compress(compressor, bytes.data(), bytes.size(),
                                                    output.data(), output.size());
  if (size == 0) {
    throw std::logic_error("gzip: its own bound was too low");
  }
  output.resize(size);
  output.shrink_to_fit();
  return output;
}

std::string gunzip(std::string_view bytes) {
  constexpr std::size_t kLeastBytes = 18;      // Header and trailer.
  constexpr std::size_t kHighestRatio = 1032;  // Deflate's: 258 bytes for two bits.
  if (bytes.size() < kLeastBytes || told_size(bytes) / kHighestRatio > bytes.size()) {
    throw_damaged();
  }
  const Decompressor decompressor(libdeflate_alloc_decompressor());
  if (decompressor == nullptr) {
    throw std::bad_alloc();
  }
  std::string output(told_size(bytes), '\0');
  std::size_t taken = 0;
  // Without a place for the size, it has to be the one told.
  const libdeflate_result result =
      libdeflate_gzip_decompress_ex(decompressor.get(), bytes.data(), bytes.size(), output.data(),
                                    output.size(), &taken, nullptr);
  if (result != LIBDEFLATE_SUCCESS || taken != bytes.size()) {
    throw_damaged();
  }
  return output;
}

}  // namespace crudbench
