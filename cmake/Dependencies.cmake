# What PAA stands on. README.md has the table of what each is for, and tests/README.md what tests add.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET libcrypto>=3.0)
pkg_check_modules(SSL REQUIRED IMPORTED_TARGET libssl>=3.0)
pkg_check_modules(LIBCONFIG REQUIRED IMPORTED_TARGET libconfig>=1.5)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.88)
pkg_check_modules(QRENCODE IMPORTED_TARGET libqrencode>=4.0) # paactl only; may be missing
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.40)
