# The installed package: headers, archives, find_package(brio) and pkg-config files.
