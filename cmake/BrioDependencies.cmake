# What the library itself is built with. brio_context says which context switch is built: own or boost;
# brio_tls whether brio::tls is.
find_package(Threads REQUIRED)

# Headers only: the ring is set up by raw system calls and only liburing's inline prep functions are
# used, so nothing of it is linked. Use as target_include_directories(... ${liburing_INCLUDE_DIRS}).
find_package(PkgConfig REQUIRED)
pkg_check_modules(liburing REQUIRED liburing>=2.3)

set(brio_context ${BRIO_CONTEXT})
if(brio_context STREQUAL "auto")
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|aarch64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
        set(brio_context own)
    else()
        set(brio_context boost)
    endif()
endif()
if(brio_context STREQUAL "boost")
    find_package(Boost 1.74 REQUIRED COMPONENTS context)
elseif(NOT brio_context STREQUAL "own")
    message(FATAL_ERROR "BRIO_CONTEXT is '${BRIO_CONTEXT}'; it may be auto, own or boost")
endif()

set(brio_tls OFF)
if(BRIO_TLS STREQUAL "auto")
    find_package(OpenSSL 3.0 QUIET COMPONENTS SSL Crypto)
    if(OpenSSL_FOUND)
        set(brio_tls ON)
    endif()
elseif(BRIO_TLS)
    find_package(OpenSSL 3.0 REQUIRED COMPONENTS SSL Crypto)
    set(brio_tls ON)
endif()
