// hello.cpp - a search in C++17: a program in C++ that asks a model, and a score in C++.
//
//   c++ -std=c++17 hello.cpp $(pkg-config --cflags --libs lunagrad) -o hello
//   ./hello                                        on sim
//   ./hello http://127.0.0.1:8080/v1 my-model      on a server
#include <cstdlib>
#include <iostream>
#include <string>

#include <lunagrad.hpp>

// The examples: three words each, of which fruits are to be counted.
static std::string examples(int n, unsigned seed)
{
    static const char *const things[][2] = {{"an apple", "1"}, {"two drums", "0"},
                                            {"three plums", "3"}, {"a carrot", "0"},
                                            {"two bananas", "2"}, {"an orange", "1"},
                                            {"a violin", "0"}};
    std::string lines;
    for (int i = 0; i < n; i++) {
        std::string list;
        int fruits = 0;
        for (unsigned k = 0; k < 5; k++) {
            seed = seed * 1664525U + 1013904223U;
            unsigned at = (seed >> 16) % 7;
            list += (k == 0 ? "" : k < 4 ? ", " : ", and ") + std::string(things[at][0]);
            fruits += std::atoi(things[at][1]);
        }
        lines += "{\"question\":\"I have " + list + ". How many fruits do I have?\",\"answer\":\"" +
                 std::to_string(fruits) + "\"}\n";
    }
    return lines;
}

// A field of an example: enough for JSON that we wrote ourselves.
static std::string field(std::string_view json, const std::string &name)
{
    std::size_t at = json.find("\"" + name + "\":\"") + name.size() + 4;
    return std::string(json.substr(at, json.find('"', at) - at));
}

static std::string last_number(std::string_view text)
{
    std::size_t end = text.find_last_of("0123456789");
    if (end == std::string_view::npos)
        return "";
    std::size_t from = text.find_last_not_of("0123456789", end) + 1;
    return std::string(text.substr(from, end - from + 1));
}

int main(int argc, char **argv)
try {
    lunagrad::engine e;
    lunagrad::model m = argc > 2 ? e.server("openai", argv[1], argv[2]) : e.sim();
    e.models(m);
    lunagrad::var prompt = e.param("Answer.", "instructions for counting");

    lunagrad::task t;
    t.params = {prompt};
    t.train = examples(24, 1), t.val = examples(24, 2);
    t.seed = 1, t.max_calls = 400;
    t.program = [&](const lunagrad::query &q) {
        q.answer(e.ask(m, e.text(field(q.example(), "question"), "question"), q.param(0), q.get()));
    };
    t.score = [](const lunagrad::query &q) {
        std::string right = field(q.example(), "answer");
        bool good = last_number(q.text()) == right;
        q.answer(good ? 1 : 0, good ? "" : "The right number is " + right + ".");
    };
    lunagrad::job job = e.search(t);
    e.run([&] { return job.ended(); });
    std::cout << job.result() << "\n\nbest: " << prompt.text() << "\n";
    return 0;
} catch (const lunagrad::error &problem) {
    std::cerr << "hello: " << problem.what() << "\n";
    return 1;
}
