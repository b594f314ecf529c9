#pragma once
// PEM files for a test, gone with it.

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <string_view>

namespace brio::testing_tls {

class directory {
public:
    directory() {
        std::string name = (std::filesystem::temp_directory_path() / "brio-tls-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
        path_ = name;
    }
    directory(const directory&) = delete;
    directory& operator=(const directory&) = delete;
    ~directory() { std::filesystem::remove_all(path_); }

    [[nodiscard]] std::string path(std::string_view name) const { return path_ / name; }
    std::string write(std::string_view name, std::string_view text) const {
        std::ofstream(path(name)) << text;
        return path(name);
    }

private:
    std::filesystem::path path_;
};

}  // namespace brio::testing_tls
