# How everything is compiled. Warnings are errors only where CI says -DPAA_WERROR=ON.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

# gcc zeroes structs of known size by "rep stos", whose start alone costs as much as a step of a chain.
include(CheckCCompilerFlag)
set(PAA_STRING_CALLS -mmemset-strategy=libcall:-1:noalign -mmemcpy-strategy=libcall:-1:noalign)
check_c_compiler_flag("${PAA_STRING_CALLS}" PAA_HAS_STRING_CALLS)
if(PAA_HAS_STRING_CALLS)
  add_compile_options(${PAA_STRING_CALLS})
endif()

option(PAA_WERROR "warnings are errors" OFF)
set(PAA_SANITIZE "" CACHE STRING "sanitizers: \"address,undefined\" or \"thread\"")

add_compile_definitions(_GNU_SOURCE)
add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wwrite-strings
  -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough
  -fstack-protector-strong -fno-common
  -fno-plt) # everything is bound at the start (-z now): a call needs no way round
if(PAA_WERROR)
  add_compile_options(-Werror)
endif()
if(PAA_SANITIZE)
  add_compile_options(-fsanitize=${PAA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${PAA_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
add_link_options(-Wl,-z,relro,-z,now)

# The library and the plugins are optimised as wholes; objects stay usable without, for the test programs, which
# link faster so. Not where the objects are looked into (sanitizers), nor for a debugger, nor with clang, which
# would need its own linker.
option(PAA_LTO "optimise the library and the plugins as wholes (gcc)" ON)
set(PAA_LTO_COMPILE "")
set(PAA_LTO_LINK "")
set(PAA_LTO_NONE "")
if(PAA_LTO AND NOT PAA_SANITIZE AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND
   NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  include(CheckIPOSupported)
  check_ipo_supported(RESULT PAA_HAS_LTO OUTPUT PAA_LTO_WHY LANGUAGES C)
  if(PAA_HAS_LTO)
    set(PAA_LTO_COMPILE -flto=auto -ffat-lto-objects)
    set(PAA_LTO_LINK -flto=auto)
    set(PAA_LTO_NONE -fno-lto) # else the linker's plugin takes every program of such objects for a whole
  endif()
endif()
