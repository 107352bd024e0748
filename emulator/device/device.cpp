#include "emulator/device/device.h"

#include "emulator/device/words.h"

namespace handset::device {

std::string_view grade_name(Grade grade) {
    return word_of(grade);
}

std::optional<Grade> grade_from_name(std::string_view name) {
    return from_word<Grade>(name);
}

std::string_view kind_name(Kind kind) {
    return word_of(kind);
}

std::string_view status_name(Status status) {
    return word_of(status);
}

}  // namespace handset::device
