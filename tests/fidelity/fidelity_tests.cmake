# Real clients: their drivers, and a selection of cases held against the predictions. The whole is
# tests/fidelity/run.
add_test(NAME fidelity_clients
    COMMAND ${DEBIAN_PYTHON3} -B ${CMAKE_CURRENT_LIST_DIR}/clients_test.py)
set_tests_properties(fidelity_clients PROPERTIES TIMEOUT 300)
add_test(NAME fidelity_held_out
    COMMAND ${DEBIAN_PYTHON3} -B ${CMAKE_CURRENT_LIST_DIR}/held_out_test.py)
set_tests_properties(fidelity_held_out PROPERTIES TIMEOUT 60)
add_test(NAME fidelity_quick
    COMMAND ${DEBIAN_PYTHON3} -B ${CMAKE_CURRENT_LIST_DIR}/fidelity.py --quick
        --clients openssl,gnutls,nss,mbedtls,bearssl,wolfssl,botan,curl,wget
        --observations ${CMAKE_CURRENT_BINARY_DIR}/fidelity --drivers ${CMAKE_CURRENT_BINARY_DIR}/fidelity/drivers)
set_tests_properties(fidelity_quick PROPERTIES TIMEOUT 600
    ENVIRONMENT "HANDSET_PROGRAM=$<TARGET_FILE:handset>;HANDSET_HOME=${PROJECT_SOURCE_DIR}")
add_test(NAME fidelity_agreement
    COMMAND ${DEBIAN_PYTHON3} -B ${CMAKE_CURRENT_LIST_DIR}/agreement_test.py)
