# What `cmake --install` lays down: the library, its headers, pkg-config and CMake packages, paactl and its
# man page, the example policies. Plugins install themselves (plugins/CMakeLists.txt).

include(CMakePackageConfigHelpers)

install(TARGETS paa EXPORT paa LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/paa DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT paa NAMESPACE paa:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/paa
        FILE paa-targets.cmake)
configure_package_config_file(cmake/paa-config.cmake.in ${CMAKE_BINARY_DIR}/paa-config.cmake
                              PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/paa)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/paa-config-version.cmake
                                 COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_BINARY_DIR}/paa-config.cmake ${CMAKE_BINARY_DIR}/paa-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/paa)
# Made when it is installed: `cmake --install --prefix` may name another prefix than was configured.
install(CODE "
  set(PROJECT_DESCRIPTION \"${PROJECT_DESCRIPTION}\")
  set(PROJECT_VERSION ${PROJECT_VERSION})
  set(CMAKE_INSTALL_LIBDIR ${CMAKE_INSTALL_LIBDIR})
  set(CMAKE_INSTALL_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR})
  configure_file(\"${PROJECT_SOURCE_DIR}/cmake/paa.pc.in\" \"${CMAKE_BINARY_DIR}/paa.pc\" @ONLY)")
install(FILES ${CMAKE_BINARY_DIR}/paa.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY examples/policies examples/plugins DESTINATION ${CMAKE_INSTALL_DATADIR}/paa/examples)
