# paa_test(name SOURCES a.c … LAYERS base services … [LINK …] [LABELS …] [TIMEOUT s] [IDP])
#
# One program, and one ctest case for each TEST(sentence) in its sources, so that a failure is named by
# the sentence it breaks. LAYERS: the core's layers whose headers and objects the test uses. IDP: it starts the real
# identity provider (tests/idp/idp.h).

# For every test: what hangs ends some time. No test is late before, with sanitizers on a machine that does much else.
set(PAA_TEST_TIMEOUT_S 900)

function(paa_test name)
  cmake_parse_arguments(ARG "IDP" "TIMEOUT" "SOURCES;LAYERS;LINK;LABELS;DEFINES" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES})
  target_link_options(test_${name} PRIVATE ${PAA_LTO_NONE})
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/include
                             ${PROJECT_SOURCE_DIR}/tests)
  foreach(layer IN LISTS ARG_LAYERS)
    target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/core/${layer})
    target_link_libraries(test_${name} PRIVATE paa_${layer})
  endforeach()
  target_link_libraries(test_${name} PRIVATE Threads::Threads ${ARG_LINK})
  target_compile_definitions(test_${name} PRIVATE ${ARG_DEFINES})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT ${PAA_TEST_TIMEOUT_S})
  endif()
  set(properties TIMEOUT ${ARG_TIMEOUT})
  if(ARG_IDP)
    target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/idp)
    target_compile_definitions(test_${name} PRIVATE IDP_SCRIPT="${PROJECT_SOURCE_DIR}/tests/idp/idp.sh")
    list(APPEND ARG_LABELS idp)
    list(APPEND properties FIXTURES_REQUIRED idp_installed ENVIRONMENT IDP_INSTALLED=${CMAKE_BINARY_DIR}/idp)
  endif()
  foreach(source IN LISTS ARG_SOURCES)
    cmake_path(ABSOLUTE_PATH source NORMALIZE) # Ninja takes a/../b.c and b.c for two, and refuses
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    file(STRINGS ${source} lines REGEX "^TEST\\(")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^TEST\\(([a-z0-9_]+)\\).*" "\\1" sentence "${line}")
      add_test(NAME ${name}.${sentence} COMMAND test_${name} ${sentence})
      set_tests_properties(${name}.${sentence} PROPERTIES ${properties} LABELS "${ARG_LABELS}")
    endforeach()
  endforeach()
endfunction()
