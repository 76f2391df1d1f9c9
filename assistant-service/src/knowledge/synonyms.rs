//! Words that say the same where work with computers is talked about. Whoever asks seldom knows the words of whoever wrote.
//!
//! It is general English of the field: what a company calls its own things stands in its documents.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::spelling::Spelling;
use super::words::Analyzer;

/// One group a line.
const GROUPS: &str = "
    0 zero
    1 one once
    2 two twice
    3 three
    4 four
    5 five
    6 six
    7 seven
    8 eight
    9 nine
    10 ten
    11 eleven
    12 twelve
    14 fourteen fortnight
    15 fifteen
    20 twenty
    30 thirty
    40 forty
    50 fifty
    60 sixty
    90 ninety
    100 hundred
    % percent percentage share
    agree approve allow permit consent
    allowed permitted forbidden
    alarm alert page warning
    alone single
    answer reply respond response
    apologise sorry
    app application
    archive pack
    ask request
    auth authentication login
    authorisation authorization permission right
    backlog queue
    backup snapshot
    ban block mute
    begin start launch
    bill invoice
    board dashboard
    boss lead manager head
    break fail crash die
    broken failed faulty
    budget money allowance
    buy purchase order
    cancel abort void
    cap limit bound
    cert certificate
    change edit alter modify
    charge bill pay
    check look verify test
    chip card
    choose pick select
    cleanup clean prune
    client caller customer
    clock time
    close shut
    colleague teammate
    computer machine host laptop
    config configuration setting
    consume listen subscribe read
    container image docker
    cost price fee
    country abroad
    course learning training
    cpu processor
    credential password secret key
    customer player user
    daily day
    data record
    database db postgres postgresql
    deadline limit timeout
    debug investigate
    default unset
    delay latency lag ping
    delete remove erase drop
    deploy deployment release rollout ship
    device machine
    directory folder
    disable off switch
    disk storage
    double twice
    duplicate copy
    email mail
    emit send publish
    employee staff
    empty clear
    enable on switch
    end finish stop
    error failure fault mistake
    escalate page call
    event message
    expire lapse renew
    export extract
    fast quick
    fetch download get
    fix repair solve
    follower replica standby
    forever ever
    forget lose
    freeze frozen
    frequency interval often
    full complete
    function method
    game match
    give grant hand
    gone removed
    guess assume
    hang stuck stop
    hardware machine
    holiday vacation leave
    home remote
    id identifier
    idle unused
    immediately instantly now
    incident outage
    increase raise grow widen
    install setup
    interval every
    interrupt break
    isolate separate
    job task
    join enter
    keep retain retention store hold save
    kill stop
    label tag mark
    laggy slow latency
    largest maximum most max biggest
    leader primary
    leak exposed
    least minimum min smallest
    lift raise
    lock locked
    log journal
    long duration
    lunch break
    maintain own
    maker manufacturer vendor
    meeting review
    merge commit
    migrate migration schema
    monitor watch board
    monthly month
    name call
    network connection
    new newcomer
    newest latest
    notify tell inform
    number count amount
    office site
    often frequently frequency
    old former previous
    open unlock

    opponent enemy
    outsider guest supplier
    overtime compensation
    owner responsible own
    package build artifact
    paging pagination page
    parameter argument
    partner provider
    patch fix
    pause wait sleep
    phone mobile
    pick take
    pool group
    postmortem review retrospective
    probability chance
    process procedure runbook
    prod production
    promote promotion failover
    proof evidence
    pull fetch
    quit leave
    random jitter
    rate speed
    reboot restart bounce
    reimburse refund
    reject refuse decline
    renew refresh rotate
    repeat again retry
    report review
    require need
    reset restore
    restart again
    result outcome
    retry retries attempt try tries
    reversal rollback revert undo
    role duty
    room lab
    root admin
    rotate replace renew
    rule policy
    salary pay
    sampling sample
    schedule calendar
    script program
    see watch
    server machine
    service app
    severity sev
    shadow watch
    share portion part
    shift rota
    shutdown stop
    sick ill
    sign signature
    silence mute ignore
    skip omit
    smartphone phone
    squad team
    status state
    stuck hang
    submission submit package
    substitute replacement
    supervisor lead
    swap exchange trade
    symptom sign
    system service
    teach train
    telemetry metrics
    ticket issue
    toggle flag
    token credential
    traffic load
    transfer move
    translate translation
    travel trip
    tunnel vpn
    unreported reported
    unknown undefined
    update upgrade
    upload send
    vacation holiday
    version release
    weekly week
    wipe erase
    wrong incorrect
    yearly year annual
";

/// How well another word of a group stands for the one that was asked.
pub(super) const SYNONYM_STRENGTH: f32 = 0.6;

/// Stems, each with the others of its groups.
pub(super) static SYNONYMS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let analyzer = Analyzer::default();
    let mut synonyms: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for group in GROUPS.lines() {
        let stems: Vec<String> = group.split_whitespace().filter_map(|word| analyzer.stem(word)).collect();
        for stem in &stems {
            let others = stems.iter().filter(|other| *other != stem).cloned();
            synonyms.entry(stem.clone()).or_default().extend(others);
        }
    }
    synonyms
});

/// The words of all groups as they are written: one that no document holds can be mistyped too.
pub(super) static SPELLING: LazyLock<Spelling> = LazyLock::new(|| Spelling::of(GROUPS.lines()));
