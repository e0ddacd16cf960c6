#pragma once

namespace crudbench {

/// Parallelism is the Executor's, so FAISS and its BLAS are told to stay on the calling thread: to
/// be called on every thread before FAISS is. Two of their threads to a core make each other wait:
/// up to 5 times slower than one; with this, OMP_WAIT_POLICY has nothing to decide.
void keep_faiss_on_this_thread();

}  // namespace crudbench
