# One way to declare a library, so that every target has the same warnings, sanitizers and include root.

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
endif()

find_program(PONTOON_CCACHE ccache)
if(PONTOON_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${PONTOON_CCACHE})
endif()

add_library(pontoon_options INTERFACE)
target_include_directories(pontoon_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(pontoon_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Werror
  -fno-omit-frame-pointer -fstack-protector-strong)
if(PONTOON_SANITIZE)
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  target_compile_options(pontoon_options INTERFACE ${sanitizers})
  target_link_options(pontoon_options INTERFACE ${sanitizers})
endif()
if(PONTOON_MARKS)
  target_compile_definitions(pontoon_options INTERFACE PONTOON_MARKS)
endif()
if(PONTOON_FUZZ)
  # g++'s warnings are the ones that count; clang's must not keep a finding back.
  target_compile_options(pontoon_options INTERFACE -Wno-error -O1 -fsanitize=fuzzer-no-link,address,undefined)
  target_link_options(pontoon_options INTERFACE -fsanitize=address,undefined)
endif()

# pontoon_library(NAME [PUBLIC dep...] [PRIVATE dep...] [SUBDIRS folder...] [WITHOUT file...] [ONLY pattern...])
# Every .cpp of the current folder (not of its subfolders) becomes a static library pontoon_NAME.
# SUBDIRS adds the named subfolders' sources, WITHOUT leaves files out, and ONLY names all that go in: so a folder's
# engines and what ties them to the system are two libraries, and who wants the engines alone needs no more.
# A folder that holds headers only becomes an INTERFACE library.
function(pontoon_library name)
  cmake_parse_arguments(arg "" "" "PUBLIC;PRIVATE;SUBDIRS;WITHOUT;ONLY" ${ARGN})
  set(patterns *.cpp)
  if(arg_ONLY)
    set(patterns ${arg_ONLY})
  endif()
  foreach(subdir ${arg_SUBDIRS})
    list(APPEND patterns ${subdir}/*.cpp)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  foreach(file ${arg_WITHOUT})
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  if(sources)
    add_library(pontoon_${name} STATIC ${sources})
    target_link_libraries(pontoon_${name} PUBLIC pontoon_options ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  else()
    add_library(pontoon_${name} INTERFACE)
    target_link_libraries(pontoon_${name} INTERFACE pontoon_options ${arg_PUBLIC} ${arg_PRIVATE})
  endif()
endfunction()
