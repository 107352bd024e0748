# The program as its users run it, against real servers and bad input: a test for each file.
# They need the packages of .ci/packages.txt and root (tcpdump, Postfix); nothing is skipped.
set(here ${CMAKE_CURRENT_LIST_DIR})
# Debian's own Python has Debian's python3-jsonschema and python3-yaml; another one may not.
find_program(DEBIAN_PYTHON3 python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(DEBIAN_PYTHON3 python3 REQUIRED)
file(GLOB live_tests CONFIGURE_DEPENDS ${here}/*_test.py)
foreach(file IN LISTS live_tests)
    get_filename_component(name ${file} NAME_WE)
    string(REGEX REPLACE "_test$" "" name ${name})
    add_test(NAME live_${name} COMMAND ${DEBIAN_PYTHON3} -B ${file} -v)
    set_tests_properties(live_${name} PROPERTIES TIMEOUT 240
        ENVIRONMENT "HANDSET_PROGRAM=$<TARGET_FILE:handset>;HANDSET_HOME=${PROJECT_SOURCE_DIR}")
endforeach()
# Every lab reads all cases first, and some make them; lists of devices read all profiles: that takes
# its time under sanitizers.
set_tests_properties(live_devices live_lab live_lab_attacked live_learn live_output
    PROPERTIES TIMEOUT 600)
