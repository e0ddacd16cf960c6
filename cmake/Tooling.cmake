# Targets for people who work on the code: `format`, `tidy`; and a test that the format holds.

include_guard(GLOBAL)

file(GLOB_RECURSE CRUDBENCH_OWN_FILES
  ${PROJECT_SOURCE_DIR}/harness/*.h ${PROJECT_SOURCE_DIR}/harness/*.cpp
  ${PROJECT_SOURCE_DIR}/datasets/*.h ${PROJECT_SOURCE_DIR}/datasets/*.cpp
  ${PROJECT_SOURCE_DIR}/retrievers/*.h ${PROJECT_SOURCE_DIR}/retrievers/*.cpp
  ${PROJECT_SOURCE_DIR}/metrics/*.h ${PROJECT_SOURCE_DIR}/metrics/*.cpp
  ${PROJECT_SOURCE_DIR}/reports/*.h ${PROJECT_SOURCE_DIR}/reports/*.cpp
  ${PROJECT_SOURCE_DIR}/bench/*.cpp ${PROJECT_SOURCE_DIR}/docs/examples/*.cpp
  ${PROJECT_SOURCE_DIR}/tests/*.h ${PROJECT_SOURCE_DIR}/tests/*.cpp)

find_program(CRUDBENCH_CLANG_FORMAT NAMES clang-format-14 clang-format)
if(CRUDBENCH_CLANG_FORMAT)
  add_custom_target(format COMMAND ${CRUDBENCH_CLANG_FORMAT} -i ${CRUDBENCH_OWN_FILES} VERBATIM)
  if(CRUDBENCH_BUILD_TESTS)
    add_test(NAME format
      COMMAND ${CRUDBENCH_CLANG_FORMAT} --dry-run -Werror ${CRUDBENCH_OWN_FILES})
    set_tests_properties(format PROPERTIES LABELS unit)
  endif()
endif()

find_program(CRUDBENCH_CLANG_TIDY NAMES clang-tidy-14 clang-tidy)
if(CRUDBENCH_CLANG_TIDY)
  set(sources ${CRUDBENCH_OWN_FILES})
  list(FILTER sources INCLUDE REGEX "/(harness|datasets|retrievers|metrics|reports)/.*\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "/tools/")
  add_custom_target(tidy
    COMMAND ${CRUDBENCH_CLANG_TIDY} --quiet -p ${PROJECT_BINARY_DIR} ${sources} VERBATIM)
endif()
