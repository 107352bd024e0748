// Certificates from files: PEM (any number, with whatever text between), DER, PKCS #7 (DER or PEM,
// certs-only or signed) and PKCS #12 (certificates only; empty password, or one given). What is
// inside is not decoded further here: the strict reader does that, so malformed certificates come
// through as they stand. A file over 16 MiB is refused.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "emulator/device/device.h"
#include "handshake/base/bytes.h"
#include "handshake/wire/flight.h"

namespace handset::flight {

// One line for the user: file, place where there is one, what was found, what to do.
class FileError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The file can be read and holds no certificate: a key, a text, nothing at all.
class NoCertificates : public FileError {
public:
    using FileError::FileError;
};

inline constexpr std::size_t max_file_bytes = 16 << 20;

// All octets of a regular file. Throws FileError; a pipe or a device is not even opened.
Bytes read_file(const std::filesystem::path& file);

// By their octets.
bool is_pem(ByteView octets);
bool is_pkcs12(ByteView octets);

struct CertificateFile {
    device::RootFormat format = device::RootFormat::der;  // of its first certificate
    std::vector<Bytes> certificates;                      // DER, in the order of the file
};
// Throws FileError; an empty result is NoCertificates ("x.pem: holds a private key, no certificate;
// give the certificate file").
CertificateFile load_certificate_file(const std::filesystem::path& file,
                                      const std::string& pkcs12_password = "");
// The same over octets in memory; `name` stands for the file in messages.
CertificateFile decode_certificate_file(ByteView octets, const std::string& name,
                                        const std::string& pkcs12_password = "");

// The certificates alone.
std::vector<Bytes> load_certificates(const std::filesystem::path& file,
                                     const std::string& pkcs12_password = "");
std::vector<Bytes> decode_certificates(ByteView octets, const std::string& name,
                                       const std::string& pkcs12_password = "");

// Flight of certificate files, order as given.
wire::Flight flight_of(const std::vector<std::filesystem::path>& files,
                       const std::string& pkcs12_password = "");

}  // namespace handset::flight
