# pontoon::testing, the library for the tests of others (testing/testing.h): one archive of all that it needs, so that nobody
# sees our libraries, our warnings or our headers; besides fmt it depends on nothing.
set(parts base wire frame capture link socket stack bridge dhcp dns proxy network lab)
set(objects)
foreach(part ${parts})
  list(APPEND objects $<TARGET_OBJECTS:pontoon_${part}>)
endforeach()
add_library(pontoon_testing STATIC ${objects})
add_library(pontoon::testing ALIAS pontoon_testing)
set_target_properties(pontoon_testing PROPERTIES EXPORT_NAME testing LINKER_LANGUAGE CXX)
target_compile_features(pontoon_testing INTERFACE cxx_std_17)
target_link_libraries(pontoon_testing PRIVATE fmt::fmt)
if(PONTOON_SANITIZE)
  target_link_options(pontoon_testing INTERFACE -fsanitize=address,undefined)
endif()

# In the build tree as where it is installed: <pontoon/testing.h>.
configure_file(testing/testing.h ${PROJECT_BINARY_DIR}/include/pontoon/testing.h COPYONLY)
target_include_directories(pontoon_testing INTERFACE $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
                           $<INSTALL_INTERFACE:include>)

if(PROJECT_IS_TOP_LEVEL)
  include(GNUInstallDirs)
  include(CMakePackageConfigHelpers)
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pontoon)
  install(TARGETS pontoon_testing EXPORT pontoon ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT testing)
  install(FILES testing/testing.h DESTINATION include/pontoon COMPONENT testing)
  install(EXPORT pontoon NAMESPACE pontoon:: FILE pontoon-targets.cmake DESTINATION ${package_dir} COMPONENT testing)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/core/cmake/pontoon-config.cmake.in
                                ${PROJECT_BINARY_DIR}/pontoon-config.cmake INSTALL_DESTINATION ${package_dir})
  # Before 1.0 every minor version may change what is promised.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/pontoon-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/pontoon-config.cmake ${PROJECT_BINARY_DIR}/pontoon-config-version.cmake
          DESTINATION ${package_dir} COMPONENT testing)
endif()
