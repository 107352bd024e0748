// The events of a stream do not hang on how it was fed; a single record that decodes encodes to the
// same octets. The first octet says how many octets each feed has.
#include <algorithm>
#include <cstdlib>

#include "handshake/wire/record.h"

using namespace handset;
using namespace handset::wire;

namespace {

struct Outcome {
    std::vector<StreamEvent> events;
    std::optional<DecodeError> error;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome play(ByteView bytes, std::size_t feed_length) {
    StreamLimits limits;
    limits.max_message_length = 4096;
    limits.max_records = 256;
    RecordStream stream(limits);
    Outcome outcome;
    for (std::size_t i = 0; i < bytes.size(); i += feed_length) {
        stream.feed(bytes.subspan(i, std::min(feed_length, bytes.size() - i)));
        while (auto event = stream.next())
            outcome.events.push_back(std::move(*event));
        if (stream.pending() > bytes.size()) std::abort();
    }
    if (stream.failed()) outcome.error = stream.error();
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const ByteView bytes(data + 1, size - 1);
    const Outcome whole = play(bytes, bytes.size());
    if (play(bytes, std::size_t{data[0]} % 16 + 1) != whole) std::abort();
    if (whole.error && (whole.error->field.empty() || whole.error->offset > bytes.size())) {
        std::abort();
    }
    for (const StreamEvent& event : whole.events) {
        if (event.offset >= bytes.size()) std::abort();
    }
    const auto record = decode_record(bytes);
    if (record && !equal(encode(*record), bytes)) std::abort();
    return 0;
}
