# Finds llama.cpp: an installed one first (its own package `llama`), else the prebuilt libraries that
# third_party/setup.sh unpacks into CRUDBENCH_LLAMA_DIR.
#
# LlamaCpp_FOUND       whether either was found
# LlamaCpp::LlamaCpp   libllama and libggml with their headers
# LlamaCpp::Common     llama.cpp's libllama-common (chat templates in Jinja, grammars from JSON
#                      schemas) with its headers; only where it was found
# LlamaCpp_LIBRARY_DIR the folder of the libraries, where back ends are loaded from; empty for an
#                      installed llama.cpp, which knows its own

set(CRUDBENCH_LLAMA_DIR "${PROJECT_SOURCE_DIR}/third_party/llama" CACHE PATH
  "Folder with include/ and lib/ of llama.cpp, used where find_package(llama) finds none")

find_package(llama CONFIG QUIET)
if(llama_FOUND)
  set(LlamaCpp_VERSION "${llama_VERSION}")
  set(LlamaCpp_LIBRARY_DIR "")
  add_library(LlamaCpp::LlamaCpp INTERFACE IMPORTED GLOBAL)
  target_link_libraries(LlamaCpp::LlamaCpp INTERFACE llama)
else()
  set(LlamaCpp_LIBRARY_DIR "${CRUDBENCH_LLAMA_DIR}/lib")
  file(GLOB LlamaCpp_LIBRARIES "${LlamaCpp_LIBRARY_DIR}/libllama.*so"
    "${LlamaCpp_LIBRARY_DIR}/libggml.*so" "${LlamaCpp_LIBRARY_DIR}/libggml-base.so")
  list(LENGTH LlamaCpp_LIBRARIES count)
  if(count EQUAL 3)
    if(LlamaCpp_LIBRARIES MATCHES "libllama\\.[a-z.]*v([0-9.]+)\\.so")
      set(LlamaCpp_VERSION "${CMAKE_MATCH_1}")
    endif()
    add_library(LlamaCpp::LlamaCpp INTERFACE IMPORTED GLOBAL)
    target_include_directories(LlamaCpp::LlamaCpp INTERFACE "${CRUDBENCH_LLAMA_DIR}/include")
    target_link_libraries(LlamaCpp::LlamaCpp INTERFACE ${LlamaCpp_LIBRARIES})
    if(EXISTS "${LlamaCpp_LIBRARY_DIR}/libllama-common.so")
      add_library(LlamaCpp::Common INTERFACE IMPORTED GLOBAL)
      target_include_directories(LlamaCpp::Common INTERFACE "${CRUDBENCH_LLAMA_DIR}/include/common")
      target_link_libraries(LlamaCpp::Common INTERFACE
        "${LlamaCpp_LIBRARY_DIR}/libllama-common.so" LlamaCpp::LlamaCpp)
    endif()
  endif()
endif()

include(FindPackageHandleStandardArgs)
if(TARGET LlamaCpp::LlamaCpp)
  set(LlamaCpp_TARGET LlamaCpp::LlamaCpp)
endif()
find_package_handle_standard_args(LlamaCpp
  REQUIRED_VARS LlamaCpp_TARGET VERSION_VAR LlamaCpp_VERSION
  REASON_FAILURE_MESSAGE "install llama.cpp or let third_party/setup.sh fetch it")
