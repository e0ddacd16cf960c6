# Helpers that give every layer the same shape: one static library, its sources listed, its
# dependencies stated once.

include_guard(GLOBAL)

# crudbench_add_library(<layer> HEADERS … SOURCES … DEPENDS <layers> [PRIVATE_LIBRARIES <third-party>]
#                       [INSTALL])
#
# Creates the static library `crudbench_<layer>` with the alias `crudbench::<layer>`. Headers are
# included from the repository root ("metrics/bleu.h"), so each #include names the layer it uses.
# INSTALL: the layer belongs to the package `crudbench` that other projects find (component "library").
function(crudbench_add_library layer)
  cmake_parse_arguments(PARSE_ARGV 1 arg "INSTALL" "" "HEADERS;SOURCES;DEPENDS;PRIVATE_LIBRARIES")
  set(target crudbench_${layer})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(crudbench::${layer} ALIAS ${target})
  target_sources(${target} PUBLIC
    FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(${target} PUBLIC crudbench::${dependency})
  endforeach()
  target_link_libraries(${target}
    PRIVATE $<BUILD_INTERFACE:crudbench_flags> ${arg_PRIVATE_LIBRARIES})
  if(arg_INSTALL)
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${layer})
    install(TARGETS ${target} EXPORT crudbenchTargets
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library
      FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/crudbench COMPONENT library)
  endif()
endfunction()

# crudbench_add_tests(<name> SOURCES … DEPENDS <layers> [PRIVATE_LIBRARIES …] [LABELS …])
#
# One GoogleTest program per folder; every test becomes a ctest entry of its own.
function(crudbench_add_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS;PRIVATE_LIBRARIES;LABELS")
  set(target crudbench_${name}_tests)
  add_executable(${target} ${arg_SOURCES})
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(${target} PRIVATE crudbench::${dependency})
  endforeach()
  target_link_libraries(${target} PRIVATE
    crudbench_flags crudbench_test_support GTest::gmock GTest::gtest_main ${arg_PRIVATE_LIBRARIES})
  # The code under test is optimised; the tests themselves are compiled once and run for milliseconds.
  target_compile_options(${target} PRIVATE -O0)
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  gtest_discover_tests(${target} NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 600)
endfunction()
