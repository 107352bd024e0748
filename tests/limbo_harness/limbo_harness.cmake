# The judge over test cases in the format of C2SP/x509-limbo; the suite itself is not in here.
set(here ${CMAKE_CURRENT_LIST_DIR})
add_executable(limbo_harness ${here}/main.cpp)
target_link_libraries(limbo_harness PRIVATE handset_cli)
add_test(NAME limbo_harness COMMAND ${DEBIAN_PYTHON3} -B ${here}/limbo_harness_test.py -v)
set_tests_properties(limbo_harness PROPERTIES TIMEOUT 240
    ENVIRONMENT "LIMBO_HARNESS=$<TARGET_FILE:limbo_harness>;HANDSET_PROGRAM=$<TARGET_FILE:handset>;HANDSET_HOME=${PROJECT_SOURCE_DIR}")
