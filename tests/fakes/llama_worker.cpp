/// An engine process for tests that do not need the whole program.
#include "harness/generators/llama_worker.h"

#include <unistd.h>

int main() {
  return crudbench::run_llama_worker(STDIN_FILENO, STDOUT_FILENO);
}
