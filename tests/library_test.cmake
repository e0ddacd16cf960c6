# cmake -DBUILD=… -DEXAMPLE=… -DCOMPILER=… -DWORK=… -P library_test.cmake
#
# Installs the library, builds the example of docs/ against it as another project would, runs it.

file(REMOVE_RECURSE ${WORK})
foreach(step
    "${CMAKE_COMMAND};--install;${BUILD};--component;library;--prefix;${WORK}/prefix"
    "${CMAKE_COMMAND};-S;${EXAMPLE};-B;${WORK}/build;-G;Ninja;-DCMAKE_PREFIX_PATH=${WORK}/prefix;-DCMAKE_CXX_COMPILER=${COMPILER};-DCMAKE_CXX_FLAGS=${FLAGS}"
    "${CMAKE_COMMAND};--build;${WORK}/build"
    "${WORK}/build/metrics_example")
  execute_process(COMMAND ${step} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${step} gave ${status}:\n${output}\n${errors}")
  endif()
endforeach()
file(REMOVE_RECURSE ${WORK})
if(NOT output MATCHES "rouge_l +0\\.[0-9]+\n.*mean rouge_l of 2: 0\\.[0-9]+ \\[0\\.[0-9]+, 0\\.[0-9]+\\]")
  message(FATAL_ERROR "the example printed:\n${output}")
endif()
