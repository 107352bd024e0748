# Checks written in shell and Python: the folder rule, lone headers, the launcher and tests/run.
set(here ${CMAKE_CURRENT_LIST_DIR})
add_test(NAME include_rules COMMAND python3 ${here}/include_rules_test.py)
add_test(NAME include_rules_self_test COMMAND python3 ${here}/include_rules_test.py --self-test)
add_test(NAME headers_compile COMMAND bash ${here}/headers_compile_test.sh)
add_test(NAME launcher COMMAND bash ${here}/launcher_test.sh)
set_tests_properties(include_rules include_rules_self_test launcher PROPERTIES TIMEOUT 120)
set_tests_properties(headers_compile PROPERTIES
    TIMEOUT 600 PROCESSORS 2 ENVIRONMENT "CXX=${CMAKE_CXX_COMPILER}")
