# The installed package: headers, archives, find_package(brio) and the pkg-config files.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(brio_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/brio)

set_target_properties(brio PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
install(TARGETS brio brio_testing brio_posix brio_posix_archive brio_posix_static brio_posix_static_archive
    EXPORT brio-targets)
install(TARGETS brio_posix_preload brio_run)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY include/brio DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.hpp)
install(EXPORT brio-targets NAMESPACE brio:: DESTINATION ${brio_package_dir})
# Exports of their own: who does not ask for the component needs neither Boost nor OpenSSL.
if(TARGET brio_boost_fiber)
    install(TARGETS brio_boost_fiber EXPORT brio-boost-fiber-targets)
    install(EXPORT brio-boost-fiber-targets NAMESPACE brio:: DESTINATION ${brio_package_dir})
endif()
if(brio_tls)
    install(TARGETS brio_tls EXPORT brio-tls-targets)
    install(EXPORT brio-tls-targets NAMESPACE brio:: DESTINATION ${brio_package_dir})
endif()

configure_package_config_file(cmake/brio-config.cmake.in brio-config.cmake INSTALL_DESTINATION ${brio_package_dir})
# Before 1.0 a minor version may change anything, so no other one will do.
write_basic_package_version_file(brio-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/brio-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/brio-config-version.cmake
    DESTINATION ${brio_package_dir})

# The .pc files find the prefix from their own place, so that the installed tree can be moved.
file(RELATIVE_PATH brio_pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
file(RELATIVE_PATH brio_prefix_to_lib ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH brio_prefix_to_include ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
set(brio_pc_libs -pthread)
if(brio_context STREQUAL "boost")
    set(brio_pc_libs "-lboost_context -pthread")
endif()
set(brio_pc_packages brio brio-posix brio-testing)
if(brio_tls)
    list(APPEND brio_pc_packages brio-tls)
endif()
foreach(package IN LISTS brio_pc_packages)
    configure_file(cmake/${package}.pc.in ${package}.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${package}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
