//! Word lists: names of people, titles, subjects.

use super::draw::Draw;

const GIVEN: [&str; 56] = [
    "Ada", "Amira", "Anders", "Anil", "Beatriz", "Bram", "Camille", "Carlos", "Chiara", "Daniel", "Deepa", "Elena",
    "Emeka", "Erik", "Fatima", "Felix", "Freya", "Grace", "Hana", "Henrik", "Ines", "Isaac", "Jana", "Jonas", "Kaito",
    "Karim", "Lars", "Leila", "Linh", "Lucia", "Malik", "Maren", "Mei", "Mila", "Nadia", "Noor", "Oscar", "Pablo",
    "Petra", "Priya", "Quentin", "Rafael", "Rosa", "Ruth", "Samir", "Sofia", "Tariq", "Tess", "Theo", "Uma", "Viktor",
    "Wanda", "Xavier", "Yara", "Yuki", "Zoe",
];
const FAMILY: [&str; 60] = [
    "Abara",
    "Adeyemi",
    "Almeida",
    "Andersson",
    "Arslan",
    "Baker",
    "Bauer",
    "Becker",
    "Bianchi",
    "Borg",
    "Castillo",
    "Chen",
    "Costa",
    "Dahl",
    "Diallo",
    "Dubois",
    "Eriksen",
    "Farouk",
    "Fischer",
    "Fontaine",
    "Garcia",
    "Gruber",
    "Haddad",
    "Hansen",
    "Hayashi",
    "Holm",
    "Ibrahim",
    "Ito",
    "Jansen",
    "Kaur",
    "Keller",
    "Kim",
    "Kowalski",
    "Kumar",
    "Lambert",
    "Lindgren",
    "Lopez",
    "Marino",
    "Mensah",
    "Meyer",
    "Moreau",
    "Nakamura",
    "Nguyen",
    "Novak",
    "Okafor",
    "Olsen",
    "Patel",
    "Pereira",
    "Quinn",
    "Rahman",
    "Rossi",
    "Santos",
    "Sato",
    "Schmidt",
    "Silva",
    "Tanaka",
    "Torres",
    "Visser",
    "Weber",
    "Young",
];

/// A person's given and family name.
pub(super) fn person_name(draw: &mut Draw) -> (&'static str, &'static str) {
    (draw.pick(&GIVEN, "Ada"), draw.pick(&FAMILY, "Young"))
}

/// A job title that goes with a contact's role.
pub(super) fn title(role: &str, draw: &mut Draw) -> &'static str {
    match role {
        "champion" => {
            draw.pick(&["Head of Operations", "Operations Manager", "Director of Operations"], "Head of Operations")
        }
        "economic_buyer" => {
            draw.pick(&["Chief Operating Officer", "VP Finance", "Chief Financial Officer"], "VP Finance")
        }
        "admin" => draw.pick(&["Systems Administrator", "IT Manager", "Business Systems Lead"], "IT Manager"),
        _ => draw.pick(&["Analyst", "Team Lead", "Coordinator", "Specialist", "Project Manager"], "Analyst"),
    }
}
