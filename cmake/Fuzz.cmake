# paa_fuzz(name LAYERS base services … [LINK …])
#
# Builds tests/fuzz/fuzz_<name>.c. Always: with a driver that replays files, and the ctest case
# fuzz.<name>.corpus, which replays tests/fuzz/corpus/<name>/. With -DPAA_FUZZ=ON and clang it becomes a
# libFuzzer program, and its layers are compiled once more with coverage and sanitizers, so that the
# product's own objects stay as they are.
option(PAA_FUZZ "build the fuzzers with libFuzzer (clang)" OFF)
if(PAA_FUZZ AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "PAA_FUZZ needs clang: set CMAKE_C_COMPILER=clang")
endif()

set(PAA_FUZZ_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=all)

# paa_fuzzed_<layer>: the layer's sources, instrumented.
function(paa_fuzz_layer layer)
  if(TARGET paa_fuzzed_${layer})
    return()
  endif()
  get_target_property(folder paa_${layer} SOURCE_DIR)
  get_target_property(sources paa_${layer} SOURCES)
  list(TRANSFORM sources PREPEND ${folder}/)
  add_library(paa_fuzzed_${layer} OBJECT ${sources})
  target_include_directories(paa_fuzzed_${layer} PRIVATE
                             $<TARGET_PROPERTY:paa_${layer},INCLUDE_DIRECTORIES>)
  target_compile_options(paa_fuzzed_${layer} PRIVATE -fsanitize=fuzzer-no-link ${PAA_FUZZ_FLAGS})
endfunction()

function(paa_fuzz name)
  cmake_parse_arguments(ARG "" "" "LAYERS;LINK" ${ARGN})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  add_executable(fuzz_${name} fuzz_${name}.c)
  target_link_options(fuzz_${name} PRIVATE ${PAA_LTO_NONE})
  target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/include
                             ${PROJECT_SOURCE_DIR}/tests/fuzz)
  foreach(layer IN LISTS ARG_LAYERS)
    target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/core/${layer})
    if(PAA_FUZZ)
      paa_fuzz_layer(${layer})
      target_link_libraries(fuzz_${name} PRIVATE paa_fuzzed_${layer})
    else()
      target_link_libraries(fuzz_${name} PRIVATE paa_${layer})
    endif()
  endforeach()
  target_link_libraries(fuzz_${name} PRIVATE Threads::Threads ${ARG_LINK})
  if(PAA_FUZZ)
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer ${PAA_FUZZ_FLAGS})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer ${PAA_FUZZ_FLAGS})
    add_test(NAME fuzz.${name}.corpus COMMAND fuzz_${name} -runs=0 ${corpus})
  else()
    target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/driver.c)
    add_test(NAME fuzz.${name}.corpus COMMAND fuzz_${name} ${corpus})
  endif()
  set_tests_properties(fuzz.${name}.corpus PROPERTIES TIMEOUT ${PAA_TEST_TIMEOUT_S})
endfunction()
