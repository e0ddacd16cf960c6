#include "retrievers/indexes/faiss_threads.h"

#include <dlfcn.h>
#include <faiss/utils/distances.h>
#include <omp.h>

namespace crudbench {

void keep_faiss_on_this_thread() {
  omp_set_num_threads(1);  // For the calling thread only.
  static const bool blas_is_told = [] {
    // OpenBLAS' own switch; another BLAS may stand in its place, which has none.
    if (void* symbol = ::dlsym(RTLD_DEFAULT, "openblas_set_num_threads"); symbol != nullptr) {
      reinterpret_cast<void (*)(int)>(symbol)(1);
    }
    // FAISS takes BLAS from this many queries on; its own scan is slower for one already.
    faiss::distance_compute_blas_threshold = 1;
    return true;
  }();
  static_cast<void>(blas_is_told);
}

}  // namespace crudbench
