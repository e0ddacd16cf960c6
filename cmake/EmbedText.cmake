# crudbench_embed_text(<target> <name> <file>)
#
# Compiles the bytes of a file into <target> as the function
#
#   namespace crudbench { std::string_view <name>(); }
#
# which the code that uses it declares. The file is a build dependency: changing it rebuilds the
# function and nothing else. Meant for texts of up to some megabytes (templates, prompts, libraries).

include_guard(GLOBAL)

function(crudbench_embed_text target name file)
  cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
  set(script ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/EmbedTextScript.cmake)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded/${name}.cpp)
  add_custom_command(OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DFILE=${file} -DSOURCE=${source}
      -P ${script}
    DEPENDS ${file} ${script}
    COMMENT "Embedding ${name}" VERBATIM)
  target_sources(${target} PRIVATE ${source})
endfunction()
